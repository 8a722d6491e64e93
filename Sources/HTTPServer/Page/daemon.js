new EventSource("api/events").addEventListener("status", (event) => {
    document.querySelector("main").textContent = event.data;
});

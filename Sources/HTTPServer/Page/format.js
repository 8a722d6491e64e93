// Comes with the page.

"""Checks the page of a node of a real cluster in Chromium. Needs what cluster_nodes.py needs."""

import argparse
import pathlib
import signal
import time
import urllib.request

from browser import BrowserError
from cluster_nodes import Cluster, Failed as ClusterFailed, free_ports
from page_daemon import Failed, expect

PARTITIONS = 8
ROWS = "[...document.querySelectorAll('#nodes tr')].map((row) => row.cells[0].textContent)"
CELLS = "[...document.querySelectorAll('#partitions li')]"


class ClusterPage:
    """Three nodes, and the page of the first one."""

    def __init__(self, programs, work, browser):
        options = argparse.Namespace(programs=programs, partitions=PARTITIONS, replicas=1, sync_always=False)
        folder = pathlib.Path(work) / "cluster"
        folder.mkdir()
        self.cluster = Cluster(options, folder, {"a-": "model2"})
        self.cluster.http = {f"n{number + 1}": f"127.0.0.1:{port}" for number, port in enumerate(free_ports(3))}
        self.address, self.browser, self.page = f"http://{self.cluster.http['n1']}", browser, None

    def run(self, screenshots):
        start = time.monotonic()
        try:
            self.cluster.start()
            self.check_the_section()
            self.check_a_killed_node()
            expect(not self.page.complaints, "the page complains:", *self.page.complaints)
            if screenshots:
                self.take_screenshots(screenshots)
        except (Failed, ClusterFailed, BrowserError, OSError) as error:
            print(f"FAILED  the page of a node: {error}")
            self.cluster.keep_logs()
            return 1
        finally:
            self.cluster.stop()
        print(f"ok      the page of a node shows nodes and partitions, and a take-over ({time.monotonic() - start:.1f} s)")
        return 0

    def check_the_section(self):
        self.page = self.browser.open(self.address)
        self.page.wait("document.getElementById('bar').classList.contains('live')", "the bar is not live")
        self.page.wait(f"{ROWS}.join() === 'n1 (this node),n2,n3'", "the nodes are missing", 20)
        self.wait_for_partitions("every partition is to be served", 30)
        owners = self.page.evaluate(f"{CELLS}.map((cell) => cell.children[1].textContent)")
        expect(set(owners) == {"n1", "n2", "n3"}, "the owners are", *owners)
        link = self.page.evaluate("document.querySelector('#nodes tr:nth-child(2) a').href")
        expect(link == f"http://{self.cluster.http['n2']}/", "the link to n2 is", link)

    def wait_for_partitions(self, about, seconds):
        self.page.wait(
            f"{CELLS}.length === {PARTITIONS} && {CELLS}.every((cell) => cell.classList.contains('serving'))", about, seconds)

    def check_a_killed_node(self):
        self.cluster.signal("n3", signal.SIGKILL)
        self.page.wait(f"{ROWS}.join() === 'n1 (this node),n2'", "the killed node does not disappear", 20)
        self.wait_for_partitions("the partitions of the killed node are not served", 20)
        self.page.wait(
            "document.getElementById('take-overs').textContent.includes('node n3, which held it, is dead')",
            "the take-over is not shown")
        with urllib.request.urlopen(f"{self.address}/readyz") as answer:
            expect(answer.status == 200, "the node is not ready")

    def take_screenshots(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        for scheme in ("light", "dark"):
            for width in (1600, 400):
                self.page.resize(width, 1000, scheme)
                self.page.resize(width, self.page.evaluate("document.documentElement.scrollHeight"), scheme)
                time.sleep(2.5)
                self.page.screenshot(folder / f"cluster-{width}-{scheme}.png")
                wide = self.page.evaluate("document.documentElement.scrollWidth")
                expect(wide <= width, f"at {width} pixels the page is {wide} wide")

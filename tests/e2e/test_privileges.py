# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Missing privileges and features, really taken away: what can work counts exactly, the rest says what to grant.

kernel.unprivileged_bpf_disabled, lockdown and tracefs, which cannot be changed for one process alone, are tried in
guests: tests/vm/guest.
"""

import pathlib
import platform
import re
import subprocess

from harness.conversation import REQUEST, Conversation
from harness.metrics import sample
from harness.processes import Failure, Skip, accepts, free_port, wait_until
from harness.runner import cases
from harness.tapstat import BINARY
from harness.toolchain import PEERS, PYTHON, need

CAP_SYS_ADMIN, CAP_BPF = 21, 39
NUMBERS = {"x86_64": {"bpf": 321, "perf_event_open": 298}, "aarch64": {"bpf": 280, "perf_event_open": 241}}

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
PID_NAMESPACE = ["unshare", "--pid", "--fork", "--kill-child"]
CONTAINER = [*PID_NAMESPACE, "--mount-proc", "--ipc", "--uts", "--cgroup"]
OF_DOCKER = (
    "chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot mknod audit_write"
).split()


def only(*capabilities):
    """Root with no more than these."""
    return ["setpriv", "--bounding-set=-all" + "".join(f",+{capability}" for capability in capabilities)]


def without(*capabilities):
    """Root with all but these."""
    return ["setpriv", "--bounding-set=" + ",".join(f"-{capability}" for capability in capabilities)]


def granted(*capabilities):
    """An ordinary user with just these."""
    every = "-all" + "".join(f",+{capability}" for capability in capabilities)
    return [*NOBODY, f"--inh-caps={every}", f"--ambient-caps={every}"]


def hiding(*mounts):
    """In a mount namespace with these on top."""
    commands = "".join(f"mount {mount} && " for mount in mounts)
    return ["unshare", "--mount", "sh", "-c", commands + 'exec "$@"', "sh"]


def refusing(call):
    """Under a seccomp filter as containers have it."""
    numbers = NUMBERS.get(platform.machine())
    if not numbers:
        raise Skip(f"no number of {call} for {platform.machine()}")
    return [PYTHON, PEERS / "refuse_call.py", numbers[call]]


def check(condition, message):
    if not condition:
        raise Failure(message)


def has(namespace):
    """Skips the test where such a namespace cannot be made."""
    if subprocess.run(["unshare", f"--{namespace}", "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        raise Skip(f"cannot make a {namespace} namespace")


def run(t, prefix, *arguments):
    """(status, output, errors) of a tapstat that ends by itself, in these circumstances."""
    t.require_tapstat()
    argv = [*prefix, t.copy(BINARY, "tapstat"), *arguments]  # the tree may be closed to other users
    result = subprocess.run(
        [str(word) for word in argv],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return result.returncode, result.stdout, result.stderr


def deprived_tapstat(t, prefix, *options):
    return t.own_tapstat(*options, prefix=prefix, binary=t.copy(BINARY, "tapstat"))


def mentions_sysctl():
    return pathlib.Path("/proc/sys/kernel/unprivileged_bpf_disabled").read_text().strip() != "0"


def child_of(process):
    """The pid, as counted here, of the only child of a process."""

    def found():
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                if int(path.read_text().rpartition(")")[2].split()[1]) == process.pid:
                    return int(path.parent.name)
            except OSError:  # gone in the meantime
                continue
        return 0

    return wait_until(found, f"{process.argv[0]} has a child")


NO_BPF = r"CAP_BPF is missing, .*: run tapstat as root, or grant it \(setcap; .*--cap-add=BPF; "
NO_PERFMON = r"CAP_PERFMON is missing, .*: run tapstat as root, or grant it \(setcap; .*--cap-add=PERFMON; "
NO_TYPES = r"/sys/kernel/btf/vmlinux is missing; mount /sys, or run a kernel with CONFIG_DEBUG_INFO_BTF=y"

# What is taken away, and the lines that tell it, one for each thing that is missing.
REFUSED = {
    "CAP_BPF": (lambda: without("bpf", "sys_admin"), [NO_BPF]),
    "CAP_PERFMON": (lambda: without("perfmon", "sys_admin"), [NO_PERFMON]),
    "every capability": (lambda: NOBODY, [NO_BPF, NO_PERFMON]),
    "what Docker does not give": (lambda: [*CONTAINER, *only(*OF_DOCKER)], [NO_BPF, NO_PERFMON]),
    "the initial user namespace": (
        lambda: has("user") or ["unshare", "--user", "--map-root-user"],
        [r"user namespace, .*: run tapstat in the initial one \(Docker: --userns=host; "],
    ),
    "the initial user namespace and root": (
        lambda: has("user") or [*NOBODY, "unshare", "--user", "--map-current-user"],
        [r"user namespace, .*: run tapstat in the initial one \(Docker: --userns=host; "],
    ),
    "BTF": (lambda: hiding("--bind /dev/null /sys/kernel/btf/vmlinux"), [NO_TYPES]),
    "sysfs": (lambda: hiding("-t tmpfs none /sys"), [NO_TYPES]),
    "CAP_BPF and BTF": (
        lambda: [*hiding("--bind /dev/null /sys/kernel/btf/vmlinux"), *without("bpf", "sys_admin")],
        [NO_BPF, NO_TYPES],
    ),
    "bpf() by seccomp": (lambda: refusing("bpf"), [r"the seccomp filter of this process .*: allow bpf "]),
}


@cases(REFUSED)
def test_cannot_run_without(t, case):
    need("setpriv", "unshare")
    make_prefix, expected = case
    prefix = make_prefix()
    status, output, errors = run(t, prefix, "doctor")
    told = re.findall(r"^cannot run: (.*)$", output, re.MULTILINE)
    check(status == 1, f"doctor ends with {status}: {(output + errors)[-300:]!r}")
    check(not errors, f"doctor says on standard error {errors[-300:]!r}")
    check(len(told) == len(expected), f"{len(expected)} things are missing; doctor tells {told}")
    for line, pattern in zip(told, expected):
        check(re.search(pattern, line), f"doctor says {line!r}, expected {pattern}")
        check("CAP_BPF is" not in line or ("unprivileged_bpf_disabled" in line) == mentions_sysctl(), line)

    port = free_port()
    status, output, errors = run(t, prefix, "serve", f"--web.listen-address=127.0.0.1:{port}")
    check(status == 1 and not output, f"serve ends with {status}: {output + errors}")
    logged = re.findall(r'^ts=\S* level=(?:warn|error) msg="cannot start" err="(.*)"$', errors, re.MULTILINE)
    check(logged == told, f"serve says {errors!r}, doctor {told}")
    check(len(errors.splitlines()) <= 2 + len(told), f"serve says more than what is missing: {errors!r}")
    check(not accepts(port), "the port is still open")


WORKS = {
    "CAP_BPF and CAP_PERFMON of an ordinary user": lambda: granted("bpf", "perfmon"),
    "root without CAP_SYS_ADMIN": lambda: without("sys_admin"),
    "root without CAP_BPF and CAP_PERFMON": lambda: without("bpf", "perfmon"),
    "root without CAP_SYS_PTRACE": lambda: without("sys_ptrace"),
    "root without CAP_SYS_RESOURCE": lambda: without("sys_resource"),
    "no tracefs and no debugfs": lambda: hiding(
        "-t tmpfs none /sys/kernel/debug", "-t tmpfs none /sys/kernel/tracing 2>/dev/null || true"
    ),
    "no perf_event_open, by seccomp": lambda: refusing("perf_event_open"),
    "a pid namespace of its own": lambda: [*PID_NAMESPACE, "--mount-proc"],
    "a pid namespace of its own, /proc of the host's": lambda: PID_NAMESPACE,
    "a container with CAP_BPF and CAP_PERFMON": lambda: [*CONTAINER, *only("bpf", "perfmon")],
}


@cases(WORKS)
def test_works_and_counts_exactly_with(t, make_prefix):
    need("setpriv", "unshare")
    prefix = make_prefix()
    status, output, errors = run(t, prefix, "doctor")
    check(status == 0 and not errors, f"doctor ends with {status}: {(output + errors)[-300:]!r}")
    check(output.endswith("tapstat can run here\n"), f"doctor ends with {output[-200:]!r}")

    server, client = t.agent("server"), t.agent("client")
    tapstat = deprived_tapstat(t, prefix)
    before = tapstat.scrape()
    talk = Conversation.opened(server, client).exchange(5).close()
    unix = Conversation.opened(server, client, address=str(t.tmp / "socket")).exchange(3).close()
    t.verify(
        [talk.book, unix.book], server=server.service, client=client.service, tapstat=tapstat, baseline=before
    )
    status = tapstat.stop()
    check(status == 0, f"exit status {status}")


@cases(
    {
        "root": ([], CAP_BPF),
        "root without CAP_BPF": (without("bpf"), CAP_SYS_ADMIN),
        "an ordinary user": (granted("bpf", "perfmon"), CAP_BPF),
    }
)
def test_one_capability_is_left(t, case):
    need("setpriv")
    prefix, kept = case
    tapstat = deprived_tapstat(t, prefix)
    status = dict(
        line.split(":\t", 1) for line in pathlib.Path(f"/proc/{tapstat.process.pid}/status").read_text().splitlines()
    )
    sets = {name: int(status[name], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")}
    check(
        sets == {"CapPrm": 1 << kept, "CapEff": 1 << kept, "CapInh": 0, "CapAmb": 0},
        f"left are {({name: hex(value) for name, value in sets.items()})}",
    )
    check(status["NoNewPrivs"] == "1", "it may gain privileges by exec")


OWN = {
    "the initial pid namespace": lambda: [],
    "one of its own": lambda: [*PID_NAMESPACE, "--mount-proc"],
    "one of its own, /proc of the host's": lambda: PID_NAMESPACE,
}


@cases(OWN)
def test_does_not_watch_itself_in_a_pid_namespace(t, make_prefix):
    """Its HTTP server takes an upgrade request: the client is counted, and tapstat itself only by another one."""
    need("unshare")
    client = t.agent("client")
    t.attach()
    tapstat = deprived_tapstat(t, make_prefix())
    itself = t.service("tapstat")
    before = tapstat.scrape()
    connection = client.connect(("127.0.0.1", tapstat.port))
    connection.sendall(REQUEST)
    check(connection.recv(65536).startswith(b"HTTP/1.1 404 "), "no 404 for /chat")
    connection.close()
    refused = sample("ws_handshakes_refused_total", code="404")
    side = wait_until(lambda: tapstat.scrape().side(client.service, "client"), "the client is counted")
    check(side.get(refused) == 1, f"the client's refused handshake: {side}")
    wait_until(
        lambda: t.tapstat.scrape().side(itself, "server").get(refused) == 1, "the other tapstat counts the refusal"
    )
    check(itself not in tapstat.scrape().text, "it counts itself")
    t.check_quiet(tapstat, before)


def test_pid_means_the_host_s_in_a_pid_namespace(t):
    need("unshare")
    prefix = [*PID_NAMESPACE, "--mount-proc"]
    inside, outside = t.agent("inside", prefix), t.agent("outside")
    pid = child_of(inside.process)
    tapstat = deprived_tapstat(t, prefix, f"--pid={pid}")
    check(tapstat.logged("--pid takes the host's pids, not those seen here"), "serve does not say whose pids")
    talk = Conversation.opened(inside, outside).exchange(2).close()
    t.verify([talk.book], server=inside.service, tapstat=tapstat)
    check(not tapstat.scrape().side(outside.service, "client"), f"counted although --pid={pid} leaves it out")
    tapstat = deprived_tapstat(t, prefix, "--pid=1")  # `inside` and tapstat itself, as they see themselves
    Conversation.opened(inside, outside).exchange(2).close()
    scrape = tapstat.settled((inside.service, "server"))
    check(inside.service not in scrape.text, "--pid=1 is taken as the namespace counts")
    _, output, _ = run(t, prefix, "doctor", f"--pid={pid}")
    check("note: this is not the host's pid namespace" in output, f"doctor says {output!r}")


@cases({"of its own": [*PID_NAMESPACE, "--mount-proc"], "of containers": CONTAINER})
def test_services_in_a_pid_namespace(t, prefix):
    """Their names are those of their programs, wherever they and tapstat are."""
    need("unshare")
    server, client = t.agent("server", prefix), t.agent("client", prefix)
    for tapstat in (deprived_tapstat(t, []), deprived_tapstat(t, prefix)):
        before = tapstat.scrape()
        talk = Conversation.opened(server, client).exchange(3).close()
        t.verify([talk.book], server=server.service, client=client.service, tapstat=tapstat, baseline=before)
        tapstat.stop()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The configuration file: tapstat check, --config.file, SIGHUP. What is said of each mistake: tests/unit/test_config.c."""

import re
import signal
import subprocess

from harness.processes import Failure, free_port, wait_until
from harness.runner import cases
from harness.tapstat import BINARY, ROOT, fetch

VALID = """\
services:
  - name: chat
    exe: /usr/bin/node*
endpoints:
  routes:
    - path: /users/{id}
      name: user
"""


def check(condition, message):
    if not condition:
        raise Failure(message)


def run(t, *arguments, stdin=""):
    """(status, output, errors) of a tapstat that ends by itself."""
    t.require_tapstat()
    result = subprocess.run(
        [str(BINARY), *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=20, check=False
    )
    return result.returncode, result.stdout, result.stderr


def written(t, text):
    path = t.tmp / "config.yml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_check_tells_what_a_valid_file_configures(t):
    path = written(t, VALID)
    status, output, errors = run(t, "check", path)
    check(status == 0 and not errors, f"exit status {status}, standard error {errors!r}")
    check(output.startswith(f"{path}: valid\n"), output)
    check("naming rules: 1" in output and "routes: 1" in output, output)


def test_check_tells_every_mistake_with_its_place(t):
    path = written(t, "service: []\nlimits: {services: 0}\nfiles: x\n")
    status, output, errors = run(t, "check", path)
    check(status == 2 and not output, f"exit status {status}, output {output!r}")
    places = [line.removeprefix(f"{path}:").split(" ")[0] for line in errors.splitlines()]
    check(places == ["1:1:", "2:20:", "3:8:"], errors)
    check("perhaps 'services'" in errors, errors)


@cases(
    {
        "empty": ("", 0, r": valid$"),
        "malformed": ("a: [", 2, r":1:5: malformed|:2:1: malformed"),
        "not UTF-8": (b"# \xff", 2, r":1:3: byte 0xff is not UTF-8"),
        "a program": (BINARY.read_bytes()[:4096] if BINARY.exists() else b"\x7fELF", 2, r":1:1: a character"),
    }
)
def test_check_of_a_file_that_is(t, row):
    text, expected, said = row
    status, output, errors = run(t, "check", written(t, text))
    check(status == expected, f"exit status {status}, expected {expected}")
    check(re.search(said, output + errors, re.MULTILINE), output + errors)


@cases({"missing": ("absent.yml", "No such file"), "a directory": ("", "is a directory")})
def test_check_of_what_is(t, row):
    name, said = row
    status, _, errors = run(t, "check", t.tmp / name)
    check(status == 2 and said in errors and str(t.tmp) in errors, f"exit status {status}: {errors}")


def test_check_reads_standard_input_under_its_name(t):
    status, output, _ = run(t, "check", "/dev/stdin", stdin=VALID)
    check(status == 0 and "/dev/stdin: valid" in output, f"exit status {status}: {output}")


def test_examples_of_the_documentation_are_valid(t):
    examples = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "configuration.md").read_text(), re.DOTALL)
    check(examples, "docs/configuration.md has no example")
    for example in examples:
        status, _, errors = run(t, "check", written(t, example))
        check(status == 0, errors)


def test_serve_refuses_a_faulty_file_before_it_does_anything(t):
    path = written(t, "limits:\n  services: 1000\n")
    port = free_port()
    status, _, errors = run(t, "serve", f"--config.file={path}", f"--web.listen-address=127.0.0.1:{port}")
    check(status == 2, f"exit status {status}, expected 2")
    check(f"{path}:2:13: services: '1000' is out of range" in errors, errors)
    check("starting" not in errors, errors)


def test_sighup_reads_the_file_again(t):
    path = written(t, VALID)
    tapstat = t.own_tapstat(f"--config.file={path}")

    def hup(text, pattern):
        """Waits until a line more than before tells so; returns what was logged since."""
        before = tapstat.process.errors()
        written(t, text)
        tapstat.process.signal(signal.SIGHUP)
        wait_until(lambda: re.search(pattern, tapstat.process.errors()[len(before) :]), f"{pattern} is logged")
        return tapstat.process.errors()[len(before) :]

    log = hup(VALID.replace("name: user", "name: person"), r'level=info msg="configuration reloaded"')
    check("level=warn" not in log, f"a route needs no restart: {log}")
    log = hup(VALID + "    - path: api\n", r"level=error")
    check(f"{path}:8:13: path: 'api' is no path" in log, log)
    check("configuration reloaded" not in log, log)
    log = hup(VALID + "limits: {services: 5}\n", r'msg="configuration reloaded"')
    check(re.search(r"level=warn .*restart.* setting=limits\.services", log), log)
    check(log.count("level=warn") == 1, log)
    log = hup(VALID, r'msg="configuration reloaded"')
    check("level=warn" not in log, f"the settings of the start are back: {log}")
    path.unlink()
    before = tapstat.process.errors()
    tapstat.process.signal(signal.SIGHUP)
    wait_until(lambda: "No such file" in tapstat.process.errors()[len(before) :], "the missing file is logged")
    check(fetch(tapstat.port)[0] == 200, "no scrape is answered any more")


def test_sighup_without_a_file_changes_nothing(t):
    tapstat = t.own_tapstat()
    tapstat.process.signal(signal.SIGHUP)
    wait_until(lambda: "nothing to reload" in tapstat.process.errors(), "it says that there is nothing to reload")
    check(fetch(tapstat.port)[0] == 200, "no scrape is answered any more")

"""The keys of the configuration file: their values, defaults and meanings.

The keys come from `sluiced --dump-keys`. A key with a flag takes everything else from the flag's help. A key without a
flag and a flag without a key are errors, so that keys and flags stay in step.
"""

import json
import re
import subprocess

# The flags that have no key. They name the file, set the codec, which the file sets for each endpoint, or only check or
# print something.
ONLY_FLAGS = {"config", "codec", "check-config", "version", "help"}
# Names of values in the flags' help, and the corresponding names in the page about the file.
VALUES = {"dir": "folder", "address:port|off": "address:port or off"}
DEFAULT = re.compile(r"\s*\(default: (.*)\)$")


def keys(program, command):
    """Return the rows (path, value, default, meaning). `command` is the program's own help."""
    text = subprocess.run([program, "--dump-keys"], check=True, capture_output=True, text=True).stdout
    entries = json.loads(text)
    flags = {name["name"]: argument for argument in command["arguments"] if argument["shouldDisplay"]
             for name in argument.get("names", []) if name["kind"] == "long"}
    named = {entry["flag"]: entry["path"] for entry in reversed(entries) if "flag" in entry}
    for flag in sorted(named.keys() - flags.keys()):
        raise SystemExit(f"the key {named[flag]} has the flag --{flag}, which sluiced does not have")
    for flag in sorted(flags.keys() - named.keys() - ONLY_FLAGS):
        raise SystemExit(f"the flag --{flag} has no key: add one, or list the flag in tools/make/configuration.py")
    return [row(entry, flags, named) for entry in entries]


def row(entry, flags, named):
    """Return the row of a key. The key's own value and meaning, if given, replace those in the flag's help."""
    if "flag" not in entry:
        return entry["path"], entry["value"], entry["usual"], entry["meaning"]
    argument = flags[entry["flag"]]
    text = " ".join(argument["abstract"].split())
    default = DEFAULT.search(text)
    meaning = DEFAULT.sub("", text).removeprefix("With MODEL: ").replace("; may be given several times", ", or a list of them")
    if argument["kind"] == "flag":
        value, usual = "true or false", "false"
    else:
        *others, last = argument.get("allValues", [VALUES.get(argument["valueName"], argument["valueName"])])
        value = f"{', '.join(others)} or {last}" if others else last
        usual = argument.get("defaultValue") or (default and default[1])
    if not usual:
        raise SystemExit(f"the help of --{entry['flag']} does not end with '(default: …)'")
    return (entry["path"], entry.get("value", value), in_keys(usual, named),
            in_keys(entry.get("meaning", meaning[0].upper() + meaning[1:]), named))


def in_keys(text, named):
    """Return the text with each flag replaced by its key, such as `--state-dir` by `state.dir`."""
    return re.sub(r"--([a-z-]+[a-z])", lambda flag: named.get(flag[1], flag[0]), text)


def page(rows):
    """Return the page of the documentation."""
    lines = [
        "# Configuration", "",
        "All keys of the file that `sluiced --config FILE` reads, with their values and defaults.", "",
        "## Overview", "",
        "`tools/make/manuals` writes this page and sluice.yaml(5) from the keys and flags of `sluiced`, so that neither is edited.",
        "`sluiced --config FILE --check-config` checks a file. A flag overrides its key. `NAME` stands for the name of a model.", "",
        "| key | value | default | meaning |", "| --- | --- | --- | --- |",
    ]
    cells = ([f"`{path}`", value, usual, meaning] for path, value, usual, meaning in rows)
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells]
    return "\n".join(lines) + "\n"

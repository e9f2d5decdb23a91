"""Compares what a program did with what a case expects."""

from .objects import key

# The bytes of the file that is there before, in some cases.
OLD = b"the old file"
MISSING = "nothing"


def problems(expect, scene, ended, requests):
    """What is wrong, as a list of sentences."""
    wrong = []
    objects = [line for line in ended.lines if "tag" in line]
    end = next((line for line in ended.lines if "tag" not in line), {})
    lines = expect.get("lines", 1)

    if ended.exit != expect.get("exit", 0):
        wrong.append(f"the exit status is {ended.exit}, not {expect.get('exit', 0)}")
    if sorted(line["tag"] for line in objects) != list(range(lines)):
        wrong.append(f"there are {len(objects)} lines for objects, not {lines}")
    for line in objects:
        wrong += different(expect.get("each", {}), line)
    wrong += different(expect.get("end", {}), end)
    if "requests" in expect and not holds(expect["requests"], len(requests)):
        listed = "; ".join(requests)
        wrong.append(f"the server got {len(requests)} requests, not {said(expect['requests'])}: {listed}")
    return [*wrong, *files(expect, scene)]


def different(wanted, line):
    """What in a line of the output is not as wanted."""
    for path, condition in wanted.items():
        found = line
        for name in path.split("."):
            found = found.get(name, MISSING) if isinstance(found, dict) else MISSING
        if not holds(condition, found):
            yield f"{path} is {found!r}, not {said(condition)}"


def holds(condition, found):
    if isinstance(condition, dict):
        limits = [(condition.get("at_least"), 1), (condition.get("at_most"), -1)]
        return isinstance(found, (int, float)) and all(
            limit is None or (found - limit) * sign >= 0 for limit, sign in limits
        )
    return found == condition


def said(condition):
    if isinstance(condition, dict):
        return " and ".join(f"{name.replace('_', ' ')} {limit}" for name, limit in condition.items())
    return repr(condition)


def files(expect, scene):
    """What in the directory is not as expected. Nothing may be left in it besides what is."""
    if scene.case.kind == "object":
        wanted, left = target(expect, scene), expect.get("left", [])
        found = {file.name: file.read_bytes() for file in scene.files.iterdir() if file == scene.target}
        others = [file.name for file in scene.files.iterdir() if file != scene.target]
        kinds = sorted(
            "checkpoint" if name.endswith(".oss-resumable") else "temporary file" if name.endswith(".temp") else name
            for name in others
        )
        if kinds != sorted(left):
            yield f"beside the file there are {others}, not {left}"
    else:
        wanted = tree(scene)
        found = {
            str(file.relative_to(scene.files)): file.read_bytes()
            for file in scene.files.rglob("*")
            if file.is_file() and ".oss-resumable" not in file.parts
        }
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            yield f"{name} is missing"
        elif name not in wanted:
            yield f"{name} should not be there"
        elif wanted[name] != found[name]:
            yield f"{name} has wrong bytes ({len(found[name])}, expected are {len(wanted[name])})"


def target(expect, scene):
    """The expected file with its bytes."""
    case = scene.case
    kind = expect.get("file", "object")
    if kind == "none":
        return {}
    if kind == "old":
        return {scene.target.name: OLD}
    # Another generation of a generated object has the next seed.
    content = scene.objects.bytes(case.size, case.seed + (kind == "another generation"))
    if kind.startswith("bytes "):
        first, last = kind.removeprefix("bytes ").split("-")
        content = content[int(first) : int(last) + 1]
    return {scene.target.name: content}


def tree(scene):
    """The expected files of several objects."""
    case = scene.case
    wanted = {
        key(case.size, seed).rpartition("/")[2]: scene.objects.bytes(case.size, seed) for seed in range(case.objects)
    }
    prefix = case.runs[0].arguments.get("prefix", "")
    for name in case.folder:
        if name.startswith(prefix):
            wanted[name[prefix.rfind("/") + 1 :]] = (scene.folder / name).read_bytes()
    return wanted

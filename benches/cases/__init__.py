"""The cases, in the order of design §9."""

from . import bindings, distance, objects, parts, resources, simulated, throughput

CASES = {
    case.name: case
    for group in (throughput, parts, distance, simulated, objects, bindings, resources) for case in group.CASES
}

"""The one walk through datasets that wrap others, pipelines that nest, and configs."""

from typing import Any, Iterator, Optional, Set

# Where wrappers keep datasets, datasets pipelines, and transforms other transforms.
_CHILDREN = ('dataset', 'datasets', 'pipeline', 'transforms', 'branch_pipelines')


def walk(node: Any, seen: Optional[Set[int]] = None) -> Iterator[Any]:
    """Yield a nest's datasets, pipelines, transforms, dicts and lists.

    Each comes once, the outer one before what is in it, so it may be modified. The nest
    is of built datasets or transforms, or the config of anything; ``seen`` are the ids
    to leave out.
    """
    seen = set() if seen is None else seen
    if id(node) in seen or isinstance(node, (str, int, float)):
        return
    seen.add(id(node))
    yield node
    if isinstance(node, dict):
        children = list(node.values())
    elif isinstance(node, (list, tuple)):
        children = list(node)
    else:
        # `vars`, as a dataset's property may load something.
        attributes = getattr(node, '__dict__', {})
        children = [attributes[key] for key in _CHILDREN if key in attributes]
    for child in children:
        yield from walk(child, seen)


def dicts_in(config: Any) -> Iterator[dict]:
    """Yield the dicts of a config, however deep, each once and outermost first."""
    return (node for node in walk(config) if isinstance(node, dict))

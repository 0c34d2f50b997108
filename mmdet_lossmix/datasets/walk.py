"""What is in datasets that wrap others, and pipelines that nest."""

from typing import Any, Iterator, Optional, Set

# Where wrappers keep datasets, datasets pipelines, and transforms other transforms.
_CHILDREN = ('dataset', 'datasets', 'pipeline', 'transforms', 'branch_pipelines')


def walk(node: Any, seen: Optional[Set[int]] = None) -> Iterator[Any]:
    """All datasets, pipelines and transforms in a nest of them, each once."""
    seen = set() if seen is None else seen
    if id(node) in seen or isinstance(node, str):
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

"""The tree of regions: from the prefixes of codes, or from a column that names the parent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geodata.workspace import Codes, Level, Workspace

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Tree:
    """Regions by level, root first; every region but the root has a parent one level up."""

    frames: dict[str, pd.DataFrame]
    """Level id -> `code` (canonical), `name`, `parent` (canonical, "" for the root), by code."""

    def parents(self, level: str) -> Array:
        """Position of each region's parent in the level above ([n] int64); -1 for the root."""
        names = list(self.frames)
        at = names.index(level)
        if at == 0:
            return np.full(len(self.frames[level]), -1)
        upper = pd.Index(self.frames[names[at - 1]]["code"])
        return np.asarray(upper.get_indexer(pd.Index(self.frames[level]["parent"])))

    def ancestors(self, level: str) -> Array:
        """Positions of the ancestor at that level, of each leaf ([leaves] int64)."""
        names = list(self.frames)
        found = np.arange(len(self.frames[names[-1]]))
        for name in reversed(names[names.index(level) + 1 :]):
            found = self.parents(name)[found]
        return found


@dataclass(frozen=True)
class Trouble:
    """What keeps regions from being a tree."""

    kind: str
    """`orphan`, `loop`, `depth`, `roots`, `childless`, `level_differs`, `parent_differs`."""
    code: str
    value: str = ""
    count: int = 1


def canonical(code: str, level: Level, leaf: Level, codes: Codes) -> str:
    """A region's code as the edition holds it; "" when it cannot be one of that level.

    With `parents = "prefix"` an upper code may come bare (`120119`) or padded (`120119000000`).
    """
    if codes.parents == "column" or level.id == leaf.id:
        return code
    bare, full = level.code_length, leaf.code_length
    if len(code) == bare:
        return code.ljust(full, codes.pad) if codes.pad else code
    padded = codes.pad and len(code) == full and code[bare:] == codes.pad * (full - bare)
    return code if padded else ""


def replaced(code: str, codes: Codes) -> str:
    """A code after `codes.changed`: the longest old code (or prefix) that fits it."""
    if code in codes.changed:
        return codes.changed[code]
    if codes.parents == "prefix":
        for old in sorted(codes.changed, key=len, reverse=True):
            if code.startswith(old):
                return codes.changed[old] + code[len(old) :]
    return code


def grow(
    leaves: pd.DataFrame, named: pd.DataFrame, space: Workspace
) -> tuple[Tree, tuple[Trouble, ...]]:
    """The tree above the leaves.

    Parameters
    ----------
    leaves : `code` (unique), `name`, and `parent` ("" where the file names none).
    named : what files say about regions: `level` (id or ""), `code` (canonical, unique within a
        level), `name`, `parent`. A level that has rows here must list every region in use.
    space : the levels and the code scheme.

    Returns
    -------
    The tree without leaves that have no place in it, and what is wrong; `orphan`, `loop`,
    `depth`, `roots` and the `..._differs` leave regions out or misplaced, `childless` is harmless.
    """
    if space.codes.parents == "column":
        return _by_column(leaves, named, space)
    return _by_prefix(leaves, named, space)


def _by_prefix(
    leaves: pd.DataFrame, named: pd.DataFrame, space: Workspace
) -> tuple[Tree, tuple[Trouble, ...]]:
    troubles: list[Trouble] = []
    lower = leaves[["code", "name"]].sort_values("code", ignore_index=True)
    frames: dict[str, pd.DataFrame] = {}
    below = space.leaf
    given = leaves.set_index("code")["parent"] if "parent" in leaves else None
    for level in reversed(space.levels[:-1]):
        prefix = lower["code"].str[: level.code_length]
        pad = space.leaf.code_length - level.code_length
        parent = prefix + space.codes.pad * pad if space.codes.pad else prefix
        frames[below.id] = lower.assign(parent=parent.to_numpy())
        if below.id == space.leaf.id and given is not None:
            troubles += _contradictions(frames[below.id], given, level, space)
        codes = pd.Series(np.unique(parent.to_numpy(dtype=object)), dtype="str")
        here = named[named["level"] == level.id].drop_duplicates("code").set_index("code")
        if len(here):
            unknown = codes[~codes.isin(here.index)]
            for code in unknown:
                members = frames[below.id].loc[(parent == code).to_numpy(), "code"]
                troubles.append(Trouble("orphan", str(members.iloc[0]), code, len(members)))
            for code in here.index[~here.index.isin(codes)]:
                troubles.append(Trouble("childless", str(code), str(here.loc[code, "name"])))
        names = here["name"].reindex(codes).to_numpy(dtype=object)
        plain = codes.str[: level.code_length].to_numpy(dtype=object)
        missing = np.array([not isinstance(text, str) or not text for text in names], dtype=bool)
        lower = pd.DataFrame(
            {"code": codes, "name": pd.Series(np.where(missing, plain, names), dtype="str")}
        )
        below = level
    if len(lower) > 1:
        troubles.append(
            Trouble("roots", str(lower["code"].iloc[1]), "、".join(lower["code"]), len(lower))
        )
    frames[space.root.id] = lower.assign(parent=pd.Series([""] * len(lower), dtype="str"))
    return Tree({level.id: frames[level.id] for level in space.levels}), tuple(troubles)


def _contradictions(
    frame: pd.DataFrame, given: pd.Series, upper: Level, space: Workspace
) -> list[Trouble]:
    """Leaves whose file names another parent than their code does."""
    said = given.reindex(frame["code"]).fillna("").to_numpy(dtype=object)
    distinct = {text: canonical(text, upper, space.leaf, space.codes) for text in set(said) if text}
    return [
        Trouble("parent_differs", code, text)
        for code, parent, text in zip(frame["code"], frame["parent"], said, strict=True)
        if text and distinct[text] != parent
    ]


def _by_column(
    leaves: pd.DataFrame, named: pd.DataFrame, space: Workspace
) -> tuple[Tree, tuple[Trouble, ...]]:
    troubles: list[Trouble] = []
    leaf_rows = leaves.assign(level=space.leaf.id)
    if "parent" not in leaf_rows:
        leaf_rows = leaf_rows.assign(parent="")
    known = named.drop_duplicates("code").set_index("code")
    # A leaf's own file names it best; a parent that it doesn't name comes from the regions file.
    said = known["parent"].reindex(leaf_rows["code"]).fillna("").to_numpy(dtype=object)
    own = leaf_rows["parent"].to_numpy(dtype=object)
    leaf_rows = leaf_rows.assign(parent=np.where(own == "", said, own))
    upper = named[~named["code"].isin(leaf_rows["code"])].drop_duplicates("code")
    columns = ["code", "name", "parent", "level"]
    nodes = pd.concat([upper[columns], leaf_rows[columns]], ignore_index=True)
    is_leaf = np.arange(len(nodes)) >= len(upper)
    index = pd.Index(nodes["code"])
    parent = index.get_indexer(pd.Index(nodes["parent"]))
    has = (nodes["parent"] != "").to_numpy(dtype=bool)
    lost = (has & (parent < 0)) | (~has & is_leaf)
    for n in np.flatnonzero(lost):
        code = str(nodes["code"].iloc[n])
        troubles.append(Trouble("orphan", code, str(nodes["parent"].iloc[n])))
    depth, cyclic = _depths(parent)
    troubles += _loops(parent, cyclic, nodes["code"].to_numpy(dtype=object))
    top = _tops(parent)
    roots = np.flatnonzero(~has & ~is_leaf)
    used = np.zeros(len(nodes), dtype=bool)
    walk = np.flatnonzero(is_leaf)
    while len(walk):
        used[walk] = True
        walk = np.unique(parent[walk])
        walk = walk[(walk >= 0) & ~used[np.maximum(walk, 0)]]
    in_use = [int(n) for n in roots if used[n]]
    if len(in_use) > 1:
        names = "、".join(str(nodes["code"].iloc[n]) for n in in_use)
        troubles.append(Trouble("roots", str(nodes["code"].iloc[in_use[1]]), names, len(in_use)))
    for n in np.flatnonzero(~used & ~lost & ~cyclic):
        troubles.append(
            Trouble("childless", str(nodes["code"].iloc[n]), str(nodes["name"].iloc[n]))
        )
    last = len(space.levels) - 1
    rooted = used & ~cyclic & ~lost & ~lost[top] & ~cyclic[top]
    for n in np.flatnonzero(rooted & is_leaf & (depth != last)):
        troubles.append(Trouble("depth", str(nodes["code"].iloc[n]), str(int(depth[n]) + 1)))
    for n in np.flatnonzero(rooted & ~is_leaf & (nodes["level"] != "").to_numpy(dtype=bool)):
        place = int(depth[n])
        said_level = str(nodes["level"].iloc[n])
        if place > last or space.levels[place].id != said_level:
            troubles.append(Trouble("level_differs", str(nodes["code"].iloc[n]), said_level))
    good = rooted & np.where(is_leaf, depth == last, depth < last)
    # A region stays only if all above it stay and some leaf below it does.
    keep = np.zeros(len(nodes), dtype=bool)
    walk = np.flatnonzero(good & is_leaf)
    while len(walk):
        keep[walk] = True
        walk = np.unique(parent[walk])
        walk = walk[walk >= 0]
    frames = {}
    for place, level in enumerate(space.levels):
        rows = nodes[keep & (depth == place)][["code", "name", "parent"]]
        rows = rows.assign(name=rows["name"].where(rows["name"] != "", rows["code"]))
        frames[level.id] = rows.sort_values("code", ignore_index=True).astype("str")
    return Tree(frames), tuple(troubles)


def _depths(parent: Array) -> tuple[Array, Array]:
    """How far each node is below its top ([n]), and which nodes lie on or under a loop."""
    n = len(parent)
    jump = np.where(parent >= 0, parent, np.arange(n))
    depth = (parent >= 0).astype(np.int64)
    steps = 1
    # Doubling: after k rounds every node has jumped 2^k steps up.
    while steps <= n:
        depth = depth + depth[jump]
        jump = jump[jump]
        steps *= 2
    cyclic = parent[jump] >= 0
    return np.where(cyclic, -1, depth), cyclic


def _tops(parent: Array) -> Array:
    """The node at the top of each node's path; for a loop, some node on it."""
    jump = np.where(parent >= 0, parent, np.arange(len(parent)))
    for _ in range(max(1, len(parent)).bit_length() + 1):
        jump = jump[jump]
    return jump


def _loops(parent: Array, cyclic: Array, codes: Array) -> list[Trouble]:
    """One trouble for each loop, told from its smallest code; nodes under it are counted."""
    found: dict[frozenset[int], int] = {}
    tops = _tops(parent)
    for n in np.flatnonzero(cyclic):
        start = int(tops[n])
        ring, node = [start], int(parent[start])
        while node != start:
            ring.append(node)
            node = int(parent[node])
        key = frozenset(ring)
        found[key] = found.get(key, 0) + 1
    troubles = []
    for ring_nodes, count in found.items():
        first = min(ring_nodes, key=lambda n: str(codes[n]))
        path, node = [str(codes[first])], int(parent[first])
        while node != first:
            path.append(str(codes[node]))
            node = int(parent[node])
        troubles.append(Trouble("loop", path[0], " → ".join([*path, path[0]]), count))
    return sorted(troubles, key=lambda trouble: trouble.code)

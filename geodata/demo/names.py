"""Invent names for towns and villages that sound like the country around Tianjin.

No list of real places is read: names are put together from surnames, landforms, plants and
well-wishing words in the patterns that the region uses. Real names of Tianjin's towns are kept in
``KNOWN`` only to be refused. A village name that also exists somewhere (张家庄) is neither
avoidable nor wrong; a town's would be, because towns are few and known.
"""

from __future__ import annotations

import numpy as np

# Roughly by how common they are in Hebei and Tianjin: earlier ones are drawn more often.
SURNAMES = (
    "王李张刘赵杨陈孙高马周郭韩徐朱崔董冯宋于田胡吕魏曹贾何邢梁邓苏程谢孟侯石任"
    "白史齐郝康范薛邵段毛钱汤尹黎常武乔贺龚文庞樊施陶洪翟安颜倪严牛温芦季俞章鲁"
    "葛伍韦申尤毕聂焦向柳邱沙骆单岳耿关鲍左甘卢项柴祝戚阎苗宗戴管滕冉鞠边卜窦"
)
_SURNAME_ENDINGS = (
    ("{}家庄", 12), ("{}庄", 9), ("{}各庄", 9), ("{}庄子", 6), ("{}辛庄", 5), ("{}家铺", 3),
    ("{}官屯", 4), ("{}家屯", 3), ("{}家营", 4), ("{}官营", 2), ("{}家窝", 2), ("{}家楼", 2),
    ("{}家台", 2), ("{}家口", 2), ("{}家堡", 3), ("{}家坨", 3), ("{}家洼", 2), ("{}家桥", 3),
    ("{}家院", 2), ("{}家园", 2), ("{}家房", 1), ("{}家场", 2), ("{}家圈", 1), ("{}家码头", 1),
    ("{}家套", 1), ("{}家湾", 2), ("{}家寨", 2), ("{}家店", 2), ("{}家集", 1),
)  # fmt: skip
_LOOKS = "青白黄红黑金银石沙双三四五六七八九清老古长高平圆曲横深"
_PLANTS = "柳槐榆桑桃杏梨枣苇芦蒲荷菱稻麦豆麻松柏梅竹兰艾菊樱"
_PLAIN_FORMS = "坨洼淀口港滩台岗堤桥井圈甸塔庙渡泊塘渠湾庄铺屯营"
_UPLAND_FORMS = "峪岭沟山岩泉涧崖坡谷石台坎梁洞庄营寨"
_WISHES_FIRST = "永兴和太安福吉祥富民新光丰裕瑞崇仁义礼信德善广大文明同乐康恒盛昌"
_WISHES_SECOND = "兴和安平福顺庆丰宁泰合利康义信盛祥乐昌德善立民建"
_WISHES_ENDINGS = ("庄", "村", "里", "屯", "堡", "")
_WISHES_NEVER = frozenset({"文明", "大丰", "新立", "民建", "新民", "富民", "福建", "昌平"})
# What chance puts together and nobody would call a village.
_ODD = (
    "黄泉", "九泉", "黑洞", "白洞", "黑庙", "大麻", "小三", "大大", "小小", "大小", "小大",
    "新老", "新新", "上下", "下上", "石家庄", "张家口",
)  # fmt: skip

_TOWN_FIRST = (
    "云岚锦玉澄映溪沐霁景瑞嘉承启怀望临汇源润沁淳泽碧翠晴秋春和远思鸣凤鹤鹭雁芷荻"
    "蓼苇菱棠樱枫松槐柏榆石金银白青紫丹赤明朗曙晓星月虹霞长永宁安康泰丰穗禾谷仓"
)
_TOWN_SECOND = "河桥淀口坨洼堤湾渡泊塘渠滩台岗峰庄店营堡集屯铺寨浦汀洲甸泉岭川城井"
_TOWN_STEMS_WITH_SURNAME = ("{}家桥", "{}家淀", "{}家渡", "{}各营", "{}官堡", "{}家集", "{}家浦")

# Names that a reader from Tianjin would take for the real place. Stems, without 镇, 乡 or 街道.
_REAL_TOWNS = """
杨柳青 大港 塘沽 汉沽 邦均 马伸桥 渔阳 洇溜 官庄 下营 别山 尤古庄 上仓 下仓 罗庄子 白涧
侯家营 桑梓 东施古 下窝头 杨津庄 出头岭 西龙虎峪 穿芳峪 东二营 许家台 礼明庄 东赵各庄
孙各庄 文昌 大口屯 王卜庄 方家庄 林亭口 八门城 大钟庄 新安 霍各庄 新开口 大唐庄 牛道口
史各庄 郝各庄 牛家牌 尔王庄 黄庄 口东 大白庄 海滨 宝平 钰华 周良 周良庄 朝霞 潮阳 杨村
下朱庄 东蒲洼 徐官屯 运河西 梅厂 大碱厂 崔黄口 大良 下伍旗 南蔡村 大孟庄 泗村店 河西务
城关 东马圈 黄花店 石各庄 王庆坨 汊沽港 河北屯 上马台 大王古庄 陈咀 豆张庄 曹子里 大黄堡
高村 白古屯 静海 唐官屯 独流 王口 台头 子牙 陈官屯 中旺 大邱庄 蔡公庄 梁头 团泊 双塘 大丰堆
沿庄 西翟庄 良王庄 杨成庄 芦台 宁河 苗庄 丰台 岳龙 板桥 潘庄 造甲城 七里海 大北涧沽 东棘坨
北淮淀 俵口 廉庄 桥北 咸水沽 葛沽 小站 双港 辛庄 双桥河 八里台 北闸口 双新 双林 长青 中北
张家窝 辛口 王稳庄 精武 大寺 李七庄 西营门 赤龙南 天穆 北仓 双街 双口 青光 小淀 宜兴埠
大张庄 西堤头 果园新村 集贤里 普东 瑞景 佳荣里 青源 广源 杭州道 新河 大沽 新北 北塘 胡家园
新港 新村 寨上 茶淀 迎宾 古林 小王庄 中塘 太平 杨家泊 新城 泰达 军粮城 金钟 华明 金桥 无瑕
万新 张贵庄 丰年村 新立 蓟县 宝坻 武清 津南 西青 北辰 东丽 盘山 黄崖关 于桥 永定 潮白
"""
KNOWN = frozenset(_REAL_TOWNS.split())

_OPPOSITES_EAST_WEST = ("东", "西")
_OPPOSITES_NORTH_SOUTH = (("北", "南"), ("后", "前"))  # a village faces south: 前 lies south of 后
_OPPOSITES_SIZE = ("大", "小")
_LONE_PREFIXES = ("东", "西", "南", "北", "前", "后", "大", "小", "上", "下", "新", "中")


def town_names(count: int, rng: np.random.Generator) -> list[str]:
    """Return ``count`` different town names such as 澄湾镇, in a random order.

    None is a name in :data:`KNOWN`. Nine in ten end in 镇, the rest in 乡. Two towns never share
    a stem, so 澄湾镇 and 澄湾乡 don't both occur.

    Raises ``ValueError`` when ``count`` is more than the patterns give (about 3000).
    """
    stems = [first + second for first in _TOWN_FIRST for second in _TOWN_SECOND]
    stems += [form.format(name) for form in _TOWN_STEMS_WITH_SURNAME for name in SURNAMES[:70]]
    stems = [stem for stem in dict.fromkeys(stems) if stem not in KNOWN and stem[0] != stem[1]]
    if count > len(stems):
        raise ValueError(
            f"{count} town names were asked for and the patterns give {len(stems)}; "
            "ask for fewer towns or widen the patterns in geodata/demo/names.py"
        )
    picked = rng.permutation(len(stems))[:count]
    ranks = rng.random(count)
    return [stems[i] + ("镇" if r < 0.9 else "乡") for i, r in zip(picked, ranks, strict=True)]


def village_names(
    x: np.ndarray, y: np.ndarray, area: np.ndarray, upland: np.ndarray, rng: np.random.Generator
) -> list[str]:
    """Return a name for each village of one town, none twice, each ending in 村.

    ``x``, ``y`` are eastings and northings of the villages in metres, ``area`` their areas in
    square metres, ``upland`` whether a village lies in the hills (峪 and 岭 instead of 坨 and 洼);
    all of shape ``(n,)``, in an order in which neighbours follow one another. Every so often two
    villages that follow one another are a pair (东李各庄村, 西李各庄村), and then the words
    are true: 东 lies east of 西, 前 south of 后, 大 is larger than 小.
    """
    count = len(x)
    used: set[str] = set()
    names: list[str] = []
    stem_of = _Stems(rng, upland)
    while len(names) < count:
        i = len(names)
        stem = stem_of(i)
        pairable = i + 1 < count and len(stem) <= 3
        if pairable and rng.random() < 0.22:
            first, second = _pair_prefixes(
                x[i + 1] - x[i], y[i + 1] - y[i], area[i + 1] / area[i], rng
            )
            pair = [_named(first + stem), _named(second + stem)]
            if used.isdisjoint(pair) and not _is_unfit(first + stem, second + stem):
                used.update(pair)
                names.extend(pair)
                continue
        if len(stem) <= 3 and rng.random() < 0.16:
            stem = _LONE_PREFIXES[rng.integers(len(_LONE_PREFIXES))] + stem
        name = _named(stem)
        if name not in used and not _is_unfit(stem):
            used.add(name)
            names.append(name)
    return names


def _pair_prefixes(
    dx: float, dy: float, growth: float, rng: np.random.Generator
) -> tuple[str, str]:
    """Prefixes for two villages, the second one ``dx`` east, ``dy`` north, ``growth`` as large."""
    if (growth > 2.0 or growth < 0.5) and rng.random() < 0.6:
        large, small = _OPPOSITES_SIZE
        return (small, large) if growth > 1 else (large, small)
    if abs(dx) >= abs(dy):
        east, west = _OPPOSITES_EAST_WEST
        return (west, east) if dx > 0 else (east, west)
    north, south = _OPPOSITES_NORTH_SOUTH[rng.integers(2)]
    return (south, north) if dy > 0 else (north, south)


def _named(stem: str) -> str:
    return stem if stem.endswith("村") else stem + "村"


def _is_unfit(*stems: str) -> bool:
    """Whether one is a known town's name, or one that chance should not have made."""
    return any(stem in KNOWN or any(odd in stem for odd in _ODD) for stem in stems)


class _Stems:
    """Draw one stem after the other; a callable, so that the weights are laid out once a town."""

    def __init__(self, rng: np.random.Generator, upland: np.ndarray) -> None:
        self._rng = rng
        self._upland = upland
        common = 1.0 / (np.arange(len(SURNAMES)) + 12.0)
        self._surname_steps = np.cumsum(common / common.sum())
        weights = np.array([w for _, w in _SURNAME_ENDINGS], dtype=float)
        self._ending_steps = np.cumsum(weights / weights.sum())

    def __call__(self, i: int) -> str:
        rng = self._rng
        kind = rng.random()
        if kind < 0.66:
            surname = SURNAMES[_step(self._surname_steps, rng)]
            return _SURNAME_ENDINGS[_step(self._ending_steps, rng)][0].format(surname)
        if kind < 0.86:
            forms = _UPLAND_FORMS if self._upland[i] else _PLAIN_FORMS
            heads = _LOOKS + _PLANTS
            head, form = _pick(heads, rng), _pick(forms, rng)
            middle = _pick(_PLANTS, rng) if rng.random() < 0.35 else ""
            return (head + form) if middle == head else (head + middle + form)
        while True:
            wish = _pick(_WISHES_FIRST, rng) + _pick(_WISHES_SECOND, rng)
            if wish[0] != wish[1] and wish not in _WISHES_NEVER:
                return wish + _WISHES_ENDINGS[rng.integers(len(_WISHES_ENDINGS))]


def _pick(characters: str, rng: np.random.Generator) -> str:
    return characters[rng.integers(len(characters))]


def _step(steps: np.ndarray, rng: np.random.Generator) -> int:
    return min(int(np.searchsorted(steps, rng.random())), len(steps) - 1)

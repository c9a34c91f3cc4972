"""atlas.toml: a wrong key, value or name is told apart, with place and cure."""

import re
from pathlib import Path

import pytest

from geodata import workspace
from geodata.errors import UnknownName, WorkspaceError
from tests import tiny

GOOD = """
default_measure = "paved"
[atlas]
title = "图"
[codes]
pattern = "[A-Z]{2}"
[geometry]
work_crs = "EPSG:32633"
[[levels]]
id = "land"
label = "国"
code_length = 1
[[levels]]
id = "parish"
label = "区"
code_length = 2
[[rounds]]
id = "one"
label = "第一轮"
step = "year"
from = "2019"
to = "2021"
[[indicators]]
id = "road"
label = "路"
type = "flag"
[[measures]]
id = "paved"
theme = "gaps"
label = "有路"
unit = "%"
rule = "share_of_villages"
where = { indicator = "road", equals = true }
rounds = ["one"]
[[sources]]
id = "shapes"
kind = "boundaries"
files = ["shapes.geojson"]
columns = { code = "CODE" }
"""


def write(folder: Path, text: str) -> Path:
    (folder / "atlas.toml").write_text(text, "utf-8")
    return folder


def refused(folder: Path, text: str) -> str:
    with pytest.raises(WorkspaceError) as caught:
        workspace.load(write(folder, text))
    return str(caught.value)


def test_a_good_file_opens_and_answers_by_name(tmp_path: Path) -> None:
    space = workspace.load(write(tmp_path, GOOD))
    assert space.root.id == "land" and space.leaf.id == "parish"
    assert space.round("one").periods == ("2019", "2020", "2021")
    with pytest.raises(UnknownName, match="paved"):
        space.measure("pawed")


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "atlas.toml").write_text(GOOD, "utf-8-sig")
    assert workspace.load(tmp_path).atlas.title == "图"


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="bangfu demo"):
        workspace.load(tmp_path)


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    assert "第 2 行" in refused(tmp_path, "[atlas]\ntitle = \n")


def test_a_wrong_key_is_named_with_the_one_that_was_meant(tmp_path: Path) -> None:
    message = refused(tmp_path, GOOD.replace('label = "有路"', 'lable = "有路"'))
    assert "measures[1 paved].lable" in message and "是不是想写 label" in message


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('rule = "share_of_villages"', 'rule = "share"', "share_of_targets"),
        ('theme = "gaps"', 'theme = "gapz"', "coverage"),
        ('indicator = "road"', 'indicator = "rode"', "是不是想写 road"),
        ('rounds = ["one"]', 'rounds = ["two"]', "two"),
        ('rule = "share_of_villages"', 'rule = "mean"', "value"),
        ('pattern = "[A-Z]{2}"', 'pattern = "[A-Z{2}"', "正则"),
        ('from = "2019"', 'from = "2019年"', "2018-Q4"),
        ('from = "2019"', 'from = "2022"', "rounds.one"),
        ("code_length = 2", "code_length = 1", "code_length"),
        ('kind = "boundaries"', 'kind = "table"', "boundaries"),
        ('id = "road"', 'id = "1 road"', "字母开头"),
        ('files = ["shapes.geojson"]', "files = []", "sources[1 shapes].files"),
        ('files = ["shapes.geojson"]', 'files = "shapes.geojson"', "列表"),
        ('title = "图"', "title = 3", "加引号"),
        ("code_length = 1", "code_length = -1", "不能小于 0"),
    ],
)
def test_what_cannot_be_is_refused_with_place_and_cure(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in GOOD
    assert expected in refused(tmp_path, GOOD.replace(old, new, 1))


def test_all_problems_are_said_at_once(tmp_path: Path) -> None:
    text = GOOD.replace('theme = "gaps"', 'theme = "x"').replace('type = "flag"', 'type = "y"')
    message = refused(tmp_path, text)
    assert "measures[1 paved].theme" in message and "indicators[1 road].type" in message


def test_every_key_has_a_description() -> None:
    assert [key for key, text in workspace.keys().items() if not text] == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[14.9, 48.7, 15.1, 48.8]", "[14.9, 48.7, 15.1]", r"缺少 geometry.expected_bounds\[4\]"),
        ("[14.9, 48.7, 15.1, 48.8]", "[15.1, 48.8, 14.9, 48.7]", "西小于东"),
        ("breaks = [0, 15, 25]", "breaks = [0, nan]", "有限的数"),
        ('"people", period = "all"', '"people", period = "all", factor = 0', "factor.*大于 0"),
        ('indicator = "well" }', 'indicator = "well", true = [] }', "至少要有 1 项"),
        ('indicator = "well" }', 'indicator = "well", true = ["无"] }', "都有「无」"),
        ('kind = "below", of = "harvest"', 'kind = "below", of = "below_average"', "绕成了圈"),
        ('rule = "sum"', 'rule = "summ"', "sum、mean、weighted_mean"),
        ("[A-Z]{2}", "[A-Z{2", "正则表达式（第 1 个字符处）"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = tiny.ATLAS
    assert old in text
    told = refused(tmp_path, text.replace(old, new, 1))
    assert re.search(words, told), told


def test_a_faulty_item_does_not_make_its_list_too_short(tmp_path: Path) -> None:
    told = refused(tmp_path, tiny.ATLAS.replace("all_label", "al_label"))
    assert "all_label" in told
    assert "至少要有" not in told


def test_another_encoding_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "atlas.toml").write_bytes(tiny.ATLAS.encode("gb18030"))
    with pytest.raises(WorkspaceError, match="第 4 行：不是 UTF-8 编码"):
        workspace.load(tmp_path)


# ---- publication ----


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            '[publication]\nboundaries = ["names"]',
            "publication.boundaries 用了「names」，而 sources",
        ),
        ("[publication]\nsmall_number = 1", "small_number 的值「1」不行：不能小于 2"),
        ("[publication]\nverified_bar = 1.5", "verified_bar 的值「1.5」不行：不能大于 1"),
        ("[publication]\nprotection = 0", "protection 的值「0」不行：要大于 0"),
        ('[publication]\nembed = ["www.gov.cn"]', "要写成 https://主机名，不带路径"),
        ('[publication]\nsite_url = "/map"', "要写成完整的网址"),
        ("[publication]\nsmall_numbers = 1", "是不是想写 small_number"),
    ],
)
def test_conditions_of_publication_are_checked(tmp_path: Path, more: str, words: str) -> None:
    assert words in refused(tmp_path, f"{GOOD}\n{more}\n")


def test_boundaries_that_are_none_may_not_be_approved(tmp_path: Path) -> None:
    table = '[[sources]]\nid = "roads"\nkind = "table"\nfiles = ["a.csv"]\n'
    text = f'{GOOD}\n{table}\n[publication]\nboundaries = ["roads"]\n'
    assert "publication.boundaries 用了「roads」，它不是边界文件" in refused(tmp_path, text)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('public_levels = ["town"]', "measures.paved.public_levels 用了「town」，而 levels"),
        ('counts = "cows"', "counts 的值「cows」不行：只能是"),
        ('counts = "people"', "占比类规则数的是村，不是人或户"),
    ],
)
def test_what_a_measure_says_of_publication_is_checked(
    tmp_path: Path, line: str, words: str
) -> None:
    text = GOOD.replace('theme = "gaps"', f'theme = "gaps"\n{line}')
    assert words in refused(tmp_path, text)


def test_the_protection_is_the_threshold_unless_declared(tmp_path: Path) -> None:
    plain = workspace.load(write(tmp_path, GOOD)).publication
    assert (plain.small_number, plain.width) == (10, 10.0)
    text = GOOD + "\n[publication]\nsmall_number = 5\nprotection = 3\n"
    assert workspace.load(write(tmp_path, text)).publication.width == 3

"""A briefing file: what is wrong with it is said with file, place, value and cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from layers.briefing import BriefingError, Kind, default, read
from layers.briefing.declare import keys

GOOD = """
title = "汇报"
dwell = 12
[[scenes]]
kind = "overview"
id = "quanshi"
[[scenes]]
kind = "gaps"
measure = "theme:gaps"
measures = ["lacks_paved"]
[[scenes]]
kind = "region"
regions = "children"
notes = '''
念这一句
'''
[scenes.notes_by_region]
"120119" = "蓟州"
"""


def write(folder: Path, text: str, name: str = "huibao.toml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def refused(folder: Path, text: str) -> str:
    path = write(folder, text)
    with pytest.raises(BriefingError) as caught:
        read(path)
    message = str(caught.value)
    assert str(path) in message
    return message


def test_a_good_file_is_read(tmp_path: Path) -> None:
    found = read(write(tmp_path, GOOD))
    assert (found.title, found.dwell) == ("汇报", 12)
    assert [scene.kind for scene in found.scenes] == [Kind.OVERVIEW, Kind.GAPS, Kind.REGION]
    assert found.scenes[2].regions == ("children",)
    assert found.scenes[2].notes_by_region == {"120119": "蓟州"}
    assert found.file.endswith("huibao.toml")


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(GOOD, "utf-8-sig")
    assert read(path).title == "汇报"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('kind = "overview"', 'kind = "overveiw"', ("scenes[1 quanshi].kind", "overview")),
        ('id = "quanshi"', 'idd = "quanshi"', ("scenes[1].idd", "是不是想写 id")),
        ('id = "quanshi"', 'id = "全市"', ("全市", "字母")),
        ('id = "quanshi"', "id = 3", ("加引号",)),
        ("dwell = 12", "dwell = 4", ("dwell", "4", "不能小于 5")),
        ("dwell = 12", "dwell = 601", ("601", "600")),
        ("dwell = 12", "dwel = 12", ("是不是想写 dwell",)),
        ("dwell = 12", 'dwell = "many"', ("数字",)),
        ('title = "汇报"', "", ("缺少 title",)),
        ('title = "汇报"', 'title = ""', ("title", "至少 1 个字符")),
        ('kind = "gaps"', "", ("缺少 scenes[2].kind",)),
        ('"theme:gaps"', '"theme:gap"', ("scenes[2].measure", "theme:coverage", "想写 gaps")),
        ('"theme:gaps"', '""', ("scenes[2].measure", "theme:主题")),
        ('["lacks_paved"]', '"lacks_paved"', ("scenes[2].measures", "方括号")),
        ('["lacks_paved"]', "[]", ("scenes[2].measures", "至少要有 1 项")),
        ('["lacks_paved"]', '["缺路"]', ("scenes[2].measures[1]", "缺路", "字母开头")),
        ('regions = "children"', "regions = []", ("scenes[3].regions", "至少要有 1 项")),
        ('regions = "children"', "regions = 3", ("scenes[3].regions", "方括号")),
        ('regions = "children"', 'regions = [""]', ("scenes[3].regions[1]", "至少 1 个字符")),
        ('regions = "children"', 'period = "2024年"', ("scenes[3].period", "2018-Q4")),
        ('regions = "children"', "rows = 2", ("scenes[3].rows", "不能小于 3")),
        ('regions = "children"', 'measures = ["a"]', ("measures", "gaps", "region")),
        ('regions = "children"', 'id = "quanshi"', ("重复的 id", "quanshi")),
        ('"120119" = "蓟州"', '"120119" = 3', ("notes_by_region.120119", "加引号")),
    ],
)
def test_what_cannot_be_is_refused_with_place_value_and_cure(
    tmp_path: Path, old: str, new: str, expected: tuple[str, ...]
) -> None:
    assert old in GOOD
    message = refused(tmp_path, GOOD.replace(old, new, 1))
    for part in expected:
        assert part in message
    # What pydantic would say in English has words of its own.
    assert "Input should" not in message and "类型或范围不对" not in message


def test_all_problems_are_said_together(tmp_path: Path) -> None:
    text = GOOD.replace('"overview"', '"x"').replace('"theme:gaps"', '"theme:y"') + "\nz = 1"
    message = refused(tmp_path, text)
    assert all(f"「{value}」" in message for value in ("x", "theme:y"))
    assert "notes_by_region.z" in message or ".z" in message


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    assert "第 2 行" in refused(tmp_path, 'title = "a"\nkind = \n')


def test_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "huibao.toml"
    path.write_bytes(b"dwell = 12\n" + 'title = "汇报"'.encode("gbk"))
    with pytest.raises(BriefingError, match="UTF-8") as caught:
        read(path)
    assert "第 2 行" in str(caught.value)


def test_no_scenes_is_no_briefing(tmp_path: Path) -> None:
    assert "scenes" in refused(tmp_path, 'title = "a"')
    assert "至少要有 1 项" in refused(tmp_path, 'title = "a"\nscenes = []')


@pytest.mark.parametrize("name", ["Huibao.toml", "汇报.toml", "a b.toml"])
def test_a_name_that_no_address_can_hold_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BriefingError, match="小写字母"):
        read(write(tmp_path, GOOD, name))


def test_a_file_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    with pytest.raises(BriefingError, match="没有这个文件"):
        read(tmp_path / "nothing.toml")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(BriefingError, match="文件夹"):
        read(tmp_path / "folder.toml")


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(BriefingError, match="1 MB"):
        read(write(tmp_path, "#" * 1_000_001))


def test_the_built_in_is_the_same_every_time() -> None:
    assert default() == default()
    assert not default().strict and default().title and default().file == ""


def test_every_key_is_described() -> None:
    assert {"title", "dwell", "scenes", "scenes.kind", "scenes.notes_by_region"} <= set(keys())
    assert all(keys().values())

"""Files are read as text with provenance, or refused with one clear sentence."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pytest
import shapely

from geodata import sources
from geodata.errors import SourceError
from geodata.workspace import Source


def table(**more: Any) -> Source:
    given: dict[str, Any] = {
        "id": "t", "kind": "table", "files": ["*"], "columns": {"code": "代码", "name": "村名"},
        "values": [{"column": "收入（万元）", "indicator": "income"}],
    }  # fmt: skip
    return Source.model_validate(given | more)


def borders(**more: Any) -> Source:
    given: dict[str, Any] = {
        "id": "b", "kind": "boundaries", "files": ["*"],
        "columns": {"code": "代码", "name": "名称"},
    }  # fmt: skip
    return Source.model_validate(given | more)


def read(folder: Path, source: Source, name: str) -> sources.Raw:
    return sources.read(folder, source, folder.resolve() / name)


TEXT = "某区统计表,,\n代码,村名,收入（万元）\n001,甲村,1\n\n002,乙村,2\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
@pytest.mark.parametrize("sep", [",", "\t", ";"])
def test_a_csv_is_read_in_any_usual_encoding_and_delimiter(
    tmp_path: Path, encoding: str, sep: str
) -> None:
    (tmp_path / "a.csv").write_bytes(TEXT.replace(",", sep).encode(encoding))
    raw = read(tmp_path, table(), "a.csv")
    assert raw.frame.index.tolist() == [3, 5]  # as a spreadsheet numbers them
    assert raw.frame["代码"].tolist() == ["001", "002"]
    assert raw.frame["收入（万元）"].tolist() == ["1", "2"]
    assert raw.rows == 2
    assert raw.size == (tmp_path / "a.csv").stat().st_size
    assert len(raw.sha256) == 64


def test_quoted_cells_may_hold_delimiters_and_line_breaks(tmp_path: Path) -> None:
    text = '"标题,一"\n代码,村名,"收入\n(万元)"\n1,"甲,村",3\n2,"乙\n村",4\n3,丙村,5\n'
    (tmp_path / "a.csv").write_text(text, "utf-8")
    raw = read(tmp_path, table(), "a.csv")
    assert raw.frame["村名"].tolist() == ["甲,村", "乙\n村", "丙村"]
    assert raw.frame.index.tolist() == [3, 4, 5]


def test_rows_with_more_cells_than_headings_are_set_aside(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("代码,村名,收入（万元）\n1,甲,2\n2,乙,3,多,余\n", "utf-8")
    raw = read(tmp_path, table(), "a.csv")
    assert raw.ragged == ((3, "多、余"),)
    assert raw.rows == 2


def test_a_declared_header_row_is_taken(tmp_path: Path) -> None:
    headings = "代码,村名,收入（万元）\n"
    (tmp_path / "a.csv").write_text(headings * 2 + "1,甲,2\n", "utf-8")
    assert read(tmp_path, table(header_row=2), "a.csv").frame.index.tolist() == [3]


def test_bytes_that_are_utf8_are_utf8_whatever_was_declared(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEXT, "utf-8")
    raw = read(tmp_path, table(encoding="gbk"), "a.csv")
    assert raw.frame["村名"].tolist() == ["甲村", "乙村"]
    assert raw.remarks == (("encoding_differs", "gbk"),)


def workbook(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    book = openpyxl.Workbook()
    del book["Sheet"]
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_workbook_tells_which_codes_were_stored_as_numbers(tmp_path: Path) -> None:
    rows = [["某区"], ["代码", "村名", "收入（万元）"], [120119901001, "甲村", 0.1 + 0.2]]
    workbook(tmp_path / "a.xlsx", {"表": [*rows, [], ["120119901002", "乙村", 5]]})
    raw = read(tmp_path, table(), "a.xlsx")
    assert raw.file == "a.xlsx"
    assert raw.frame.index.tolist() == [3, 5]
    assert raw.frame["代码"].tolist() == ["120119901001", "120119901002"]
    assert raw.frame["收入（万元）"].tolist() == ["0.3", "5"]
    assert raw.numeric["代码"].tolist() == [True, False]


def test_a_sheet_is_named_where_there_are_several(tmp_path: Path) -> None:
    rows = [["代码", "村名", "收入（万元）"], ["1", "甲村", 1]]
    workbook(tmp_path / "a.xlsx", {"说明": [["无"]], "数据": rows})
    raw = read(tmp_path, table(sheet="数据"), "a.xlsx")
    assert raw.file == "a.xlsx#数据"
    with pytest.raises(SourceError, match=r"没有这张工作表.*「数」.*说明、数据"):
        read(tmp_path, table(sheet="数"), "a.xlsx")


GRID = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]


def frame() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"代码": ["1", "2"], "名称": ["甲村", "乙村"]}, geometry=GRID, crs="EPSG:4490"
    )


def shapefile(folder: Path, encoding: str = "gbk", zipped: str = "") -> None:
    frame().to_file(folder / "v.shp", encoding=encoding)
    (folder / "v.cpg").unlink()
    if zipped:
        with zipfile.ZipFile(folder / "v.zip", "w") as archive:
            for part in (".shp", ".shx", ".dbf", ".prj"):
                archive.write(folder / f"v{part}", f"{zipped}v{part}")


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
@pytest.mark.parametrize("declared", ["auto", "gb18030"])
@pytest.mark.parametrize("name", ["v.shp", "v.zip"])
def test_a_shapefile_without_cpg_is_read_in_its_encoding(
    tmp_path: Path, encoding: str, declared: str, name: str
) -> None:
    shapefile(tmp_path, encoding, zipped="边界/")
    raw = read(tmp_path, borders(encoding=declared), name)
    assert raw.frame["名称"].tolist() == ["甲村", "乙村"]
    assert "4490" in raw.crs or "2000" in raw.crs
    assert raw.geometry is not None
    assert shapely.equals(raw.geometry, GRID).all()


def test_a_member_name_in_a_zip_leads_nowhere(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    shapefile(inner, zipped="../../../../tmp/evil/")
    raw = read(inner, borders(), "v.zip")
    assert len(raw.frame) == 2
    assert not Path("/tmp/evil").exists()


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".parquet"])
def test_other_boundary_formats_say_the_same(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"v{suffix}"
    frame().to_parquet(path) if suffix == ".parquet" else frame().to_file(path)
    raw = read(tmp_path, borders(), path.name)
    assert raw.frame["名称"].tolist() == ["甲村", "乙村"]
    assert raw.geometry is not None
    assert shapely.equals(raw.geometry, GRID).all()


def test_geojson_in_metres_takes_the_declared_crs(tmp_path: Path) -> None:
    ring = [[[5e5, 4e6], [5e5, 5e6], [6e5, 5e6], [5e5, 4e6]]]
    feature = {
        "type": "Feature",
        "properties": {"代码": "1", "名称": "甲村"},
        "geometry": {"type": "Polygon", "coordinates": ring},
    }
    text = json.dumps({"type": "FeatureCollection", "features": [feature]})
    (tmp_path / "v.geojson").write_text(text, "utf-8")
    assert read(tmp_path, borders(crs="EPSG:4548"), "v.geojson").crs == ""


VRT = """<OGRVRTDataSource><OGRVRTLayer name="v"><SrcDataSource>/etc/passwd</SrcDataSource>
</OGRVRTLayer></OGRVRTDataSource>"""


def _vrt(folder: Path) -> None:
    (folder / "v.geojson").write_text(VRT, "utf-8")


def _torn_zip(folder: Path) -> None:
    shapefile(folder, zipped="v/")
    data = (folder / "v.zip").read_bytes()
    (folder / "v.zip").write_bytes(data[: len(data) // 2])


def _bad_member(folder: Path) -> None:
    shapefile(folder, zipped="v/")
    data = bytearray((folder / "v.zip").read_bytes())
    data[60:120] = b"\xff" * 60
    (folder / "v.zip").write_bytes(bytes(data))


def _no_dbf(folder: Path) -> None:
    shapefile(folder)
    (folder / "v.dbf").unlink()


def _no_dbf_zipped(folder: Path) -> None:
    shapefile(folder)
    with zipfile.ZipFile(folder / "v.zip", "w") as archive:
        for part in (".shp", ".shx", ".prj"):
            archive.write(folder / f"v{part}", f"v{part}")


def _zip_of_words(folder: Path) -> None:
    with zipfile.ZipFile(folder / "v.zip", "w") as archive:
        archive.writestr("说明.txt", "没有边界")


def _zip_of_two(folder: Path) -> None:
    with zipfile.ZipFile(folder / "v.zip", "w") as archive:
        archive.writestr("a.shp", "")
        archive.writestr("b.shp", "")


def _layers(folder: Path) -> None:
    frame().to_file(folder / "v.gpkg", layer="村")
    frame().to_file(folder / "v.gpkg", layer="镇")


def _plain_parquet(folder: Path) -> None:
    frame().drop(columns="geometry").to_parquet(folder / "v.parquet")


def _torn(name: str, data: bytes) -> Any:
    return lambda folder: (folder / name).write_bytes(data)


@pytest.mark.parametrize(
    ("make", "name", "source", "words"),
    [
        (_vrt, "v.geojson", borders(), "v.geojson.*与扩展名不符"),
        (_torn_zip, "v.zip", borders(), "v.zip.*压缩包已损坏.*重新"),
        (_bad_member, "v.zip", borders(), "v.zip.*压缩包已损坏.*重新"),
        (_no_dbf, "v.shp", borders(), "缺少 .dbf 文件.*放在一起"),
        (_no_dbf_zipped, "v.zip", borders(), "v.zip.*缺少 .dbf 文件"),
        (_zip_of_words, "v.zip", borders(), "没有边界文件.*说明.txt"),
        (_zip_of_two, "v.zip", borders(), "几个边界文件.*a.shp、b.shp"),
        (_layers, "v.gpkg", borders(), "几个图层.*村、镇"),
        (_layers, "v.gpkg", borders(layer="乡"), "没有这个图层.*「乡」.*村、镇"),
        (_plain_parquet, "v.parquet", borders(), "没有图形"),
        (_torn("v.parquet", b"PAR1" + b"x" * 99), "v.parquet", borders(), "已损坏"),
        (_torn("v.gpkg", b"SQLite format 3\x00" + b"x" * 99), "v.gpkg", borders(), "已损坏"),
        (_torn("v.geojson", b'{"type": "Feat'), "v.geojson", borders(), "已损坏"),
        (_torn("v.shp", b"\0\0\x27\x0a" + b"x" * 99), "v.shp", borders(), "缺少 .dbf"),
        (_torn("v.kml", b"<kml/>"), "v.kml", borders(), "不认识这种边界文件.*「.kml」"),
        (_torn("a.csv", b""), "a.csv", table(), "文件是空的"),
        (_torn("a.csv", b"\xff\xff\xff,\x80"), "a.csv", table(),
         "第 1 行.*不能按 UTF-8 或 GB18030 解码"),
        (_torn("a.csv", TEXT.encode()), "a.csv", table(encoding="klingon"),
         "不认识这种编码.*「klingon」"),
        (_torn("a.csv", b"\0\1\2" * 99), "a.csv", table(), "不是文本文件"),
        (_torn("a.xlsx", b"PK\x03\x04" + b"x" * 99), "a.xlsx", table(), "工作簿已损坏"),
        (_torn("a.xlsx", b"abc"), "a.xlsx", table(), "工作簿已损坏"),
        (_torn("a.xls", b"<html><table>"), "a.xls", table(), "实为网页.*另存为 .xlsx"),
        (_torn("a.pdf", b"%PDF"), "a.pdf", table(), "不认识这种表格文件.*「.pdf」"),
        (_torn("a.csv", TEXT.encode()), "a.csv", table(header_row=99), "header_row.*「99」"),
    ],
)  # fmt: skip
def test_bad_files_give_one_sentence_with_file_and_cure(
    tmp_path: Path, make: Any, name: str, source: Source, words: str
) -> None:
    make(tmp_path)
    with pytest.raises(SourceError, match=words) as caught:
        read(tmp_path, source, name)
    assert caught.value.file == name
    assert caught.value.cure


def test_an_unknown_column_names_the_nearest_heading(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("代码,村名,集体收入（万元）\n1,甲,2\n", "utf-8")
    words = r"「收入（万元）」.*是不是「集体收入\(万元\)」.*代码、村名"
    with pytest.raises(SourceError, match=words) as caught:
        read(tmp_path, table(), "a.csv")
    assert caught.value.place == "第 1 行"


def test_an_unknown_field_of_a_shapefile_names_the_fields(tmp_path: Path) -> None:
    shapefile(tmp_path)
    with pytest.raises(SourceError, match=r"「行政村代码」.*是不是「代码」"):
        read(tmp_path, borders(columns={"code": "行政村代码"}), "v.shp")


def test_a_heading_that_stands_twice_is_ambiguous(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("代码,村名,代码,收入（万元）\n1,甲,2,3\n", "utf-8")
    with pytest.raises(SourceError, match=r"出现了两次.*「代码」"):
        read(tmp_path, table(), "a.csv")


def test_files_are_found_by_pattern_in_order_and_never_outside(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "~$a.csv", ".hidden.csv"):
        (tmp_path / name).write_text("x", "utf-8")
    found = sources.find(tmp_path, table(files=["*.csv", "a.csv"]))
    assert [path.name for path in found] == ["a.csv", "b.csv"]
    for pattern in ("../*.csv", "/etc/passwd", "C:/x.csv"):
        with pytest.raises(SourceError, match="工作区外面"):
            sources.find(tmp_path, table(files=[pattern]))


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "targets2.csv").write_text("x", "utf-8")
    with pytest.raises(SourceError, match=r"没有找到.*名称相近的有：targets2\.csv"):
        sources.find(tmp_path, table(files=["targets.csv"]))


def test_a_link_that_leads_out_of_the_workspace_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    folder.mkdir()
    (tmp_path / "secret.csv").write_text("x", "utf-8")
    (folder / "a.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(SourceError, match="工作区外面"):
        sources.find(folder, table(files=["*.csv"]))


@pytest.mark.parametrize("end", ["\r", "\r\n", "mixed"])
def test_lines_may_end_in_any_way(tmp_path: Path, end: str) -> None:
    lines = ["代码,收成", "NA,1", "NB,2", "NC,3"]
    ends = ["\r\n", "\r", "\n", "\r"] if end == "mixed" else [end] * 4
    text = "".join(line + mark for line, mark in zip(lines, ends, strict=True))
    (tmp_path / "a.csv").write_bytes(text.encode("gb18030"))
    raw = sources.read(tmp_path, plain_table(), (tmp_path / "a.csv").resolve())
    assert raw.frame["代码"].tolist() == ["NA", "NB", "NC"]
    assert raw.frame.index.tolist() == [2, 3, 4]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ('代码,收成\nNA,1\nNB,"2\nNC,3\n'.encode(), "第 3 行：引号没有成对"),
        ('代码,收成,注\n"NA,1,x\nNB,2,"y\nNC,3,z\n'.encode(), "第 2 行：引号没有成对"),
        ("代码,收成\nNA,1\n".encode("utf-16-le"), "像是没有标记.*utf-16-le"),
        ("代码,收成\nNA,1\nN\0B,2\n".encode(), "第 3 行：里面有空字符"),
        ("代码,收成\n甲村,1\n".encode() + "乙".encode()[:2], "第 3 行.*按 UTF-8 解码"),
        (b"code,\xff\n", "第 1 行.*UTF-8 或 GB18030"),
    ],
)
def test_a_broken_csv_names_the_line(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(SourceError, match=words):
        sources.read(tmp_path, plain_table(), (tmp_path / "a.csv").resolve())


def test_a_cell_longer_than_any_line_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("代码,收成\nNA," + "9" * 200_000 + "\n", "utf-8")
    raw = sources.read(tmp_path, plain_table(), (tmp_path / "a.csv").resolve())
    assert len(raw.frame) == 1


def test_utf16_without_a_mark_is_read_when_it_is_declared(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("代码,收成\nNA,1\n".encode("utf-16-le"))
    raw = sources.read(tmp_path, plain_table(encoding="utf-16-le"), (tmp_path / "a.csv").resolve())
    assert raw.frame["代码"].tolist() == ["NA"]


@pytest.mark.parametrize("encoding", ["rot13", "hex", "klingon"])
def test_a_codec_that_makes_no_text_is_no_encoding(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.csv").write_bytes("代码,收成\n甲村,1\n".encode("gb18030"))
    with pytest.raises(SourceError, match="不认识这种编码"):
        sources.read(tmp_path, plain_table(encoding=encoding), (tmp_path / "a.csv").resolve())


@pytest.mark.parametrize("pattern", ["", ".", "a**b/x.csv"])
def test_a_pattern_that_is_none_is_a_sentence(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(SourceError, match="files"):
        sources.find(tmp_path, plain_table(files=[pattern]))


def plain_table(**more: Any) -> Source:
    values = [{"column": "收成", "indicator": "harvest"}]
    base = {"id": "t", "kind": "table", "files": ["a.csv"], "columns": {"code": "代码"}}
    return Source.model_validate(base | {"values": values} | more)

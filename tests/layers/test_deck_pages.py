"""Pages and pictures: real text, literal names, exact pixels."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from pypdf import PdfReader

from geodata.errors import BadRequest
from layers import deck
from tests.layers import deck_contents


def link(query: str) -> str:
    return f"http://atlas.example/?{query}"


@pytest.fixture(scope="module")
def contents(small):
    return deck_contents.everything(small)


@pytest.fixture(scope="module")
def written(small, contents):
    return deck.pdf(small, contents, link=link, notes={"progress": "只给讲的人看"})


@pytest.fixture(scope="module")
def reader(written):
    return PdfReader(io.BytesIO(written))


def text(page):
    """What can be searched on a page, without the breaks of its lines."""
    return page.extract_text().replace("\n", "").replace(" ", "")


def test_one_wide_page_a_scene(reader, contents):
    assert len(reader.pages) == len(contents)
    for page in reader.pages:
        assert float(page.mediabox.width) / float(page.mediabox.height) == pytest.approx(16 / 9)


def test_its_text_can_be_searched(reader, contents):
    for page, content in zip(reader.pages, contents, strict=True):
        found = text(page)
        assert content["sentence"].replace(" ", "") in found
        assert content["title"] in found
        assert "数据截至" in found
        assert "演示数据" in found
        assert "公里" in found
        assert "未上报" in found


def test_graphs_and_tables_are_text_too(reader):
    assert "66.7%" in text(reader.pages[0])
    assert "年底目标" in text(reader.pages[0])
    assert "46.7个百分点" in text(reader.pages[3])


def test_rehearsal_notes_are_not_handed_out(reader):
    assert all("只给讲的人看" not in text(page) for page in reader.pages)


def test_links_open_the_same_view(reader, contents):
    for page, content in zip(reader.pages, contents, strict=True):
        targets = [
            one.get_object()["/A"]["/URI"] for one in page["/Annots"] if "/A" in one.get_object()
        ]
        assert set(targets) == {link(content["query"])}


def test_it_is_titled_and_can_be_leafed_through(reader, small, contents):
    assert reader.metadata.title == small.notices()["title"]
    assert [one.title for one in reader.outline] == [one["title"] for one in contents]


def test_the_same_scenes_make_the_same_file(written, small, contents):
    assert deck.pdf(small, contents, link=link) == written


@pytest.mark.parametrize(
    "name",
    ['#eval("1")', "*x* _y_ `z`", '$x$ "q" \\n', "<b>&amp;</b>", "@ref <label>", "#{1+1}\x00"],
)
def test_names_are_shown_as_they_are(small, name):
    content = deck_contents.of_region(small, name)
    found = PdfReader(io.BytesIO(deck.pdf(small, [content], link=link)))
    shown = name.replace("\x00", "").replace(" ", "")
    # Title, sentence, and the graph's labels.
    assert text(found.pages[0]).count(shown) >= 3


@pytest.mark.parametrize(
    "size", [(1920, 1080), (3840, 2160), (5760, 1080), (1366, 768), (1080, 1920)]
)
def test_a_picture_has_exactly_the_pixels_of_the_screen(small, contents, size):
    width, height = size
    made = deck.png(small, contents[0], width=width, height=height, link=link)
    with Image.open(io.BytesIO(made)) as image:
        assert image.size == size
        assert len(image.convert("RGB").resize((160, 90)).getcolors(20_000)) > 100


@pytest.mark.parametrize(("look", "bright"), [("dark", False), ("light", True)])
def test_a_picture_has_the_look_that_was_asked_for(small, contents, look, bright):
    made = deck.png(small, contents[0], width=960, height=540, link=link, look=look)
    with Image.open(io.BytesIO(made)) as image:
        assert (image.convert("L").getpixel((3, 3)) > 128) is bright


@pytest.mark.parametrize("size", [(100, 1080), (1920, 20_000)])
def test_a_size_that_no_screen_has_is_refused(small, contents, size):
    with pytest.raises(BadRequest, match="像素"):
        deck.png(small, contents[0], width=size[0], height=size[1], link=link)

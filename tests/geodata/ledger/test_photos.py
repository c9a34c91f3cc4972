"""A photograph is kept as pixels alone: no place, no device, no bomb, and never more than a few."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from geodata.errors import BadRequest, UnknownName
from geodata.ledger import (
    Conflict,
    Forbidden,
    Refused,
    photos,
    problems,
    tables,
    verify,
    visits,
)
from geodata.ledger.photos import clean
from tests.geodata.ledger.visiting import (
    ADMINISTRATOR,
    MEMBER,
    OFFICE,
    OFFICER,
    OTHER,
    STRANGER,
    VIEWER,
    bring,
    office,
    photograph,
    small,
    turn,
    visit,
)

__all__ = ["office", "small"]

SECRET = b"SECRETPHONE"


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def exif(orientation: int = 1) -> Image.Exif:
    """What a phone writes: make, model, position."""
    found = Image.Exif()
    found[0x010F] = SECRET.decode()
    found[0x0110] = SECRET.decode()
    found[0x0112] = orientation
    found.get_ifd(0x8825).update({1: "N", 2: (39.0, 7.0, 30.0), 3: "E", 4: (117.0, 12.0, 0.0)})
    return found


def with_everything() -> bytes:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + SECRET + b"</x:xmpmeta>"
    return photograph(
        exif=exif().tobytes(), xmp=xmp, comment=SECRET, icc_profile=SECRET, dpi=(72, 72)
    )


def test_place_device_comment_profile_and_thumbnail_are_gone():
    given_ = with_everything()
    assert given_.count(SECRET) >= 5, "the test's own picture must tell"
    assert opened(given_).getexif().get_ifd(0x8825)
    data, width, height = clean(given_)
    assert (width, height) == (400, 300)
    assert SECRET not in data
    found = opened(data)
    assert found.format == "JPEG"
    assert dict(found.getexif()) == {}
    assert set(found.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive",
                               "progression"}  # fmt: skip
    markers = {marker for marker, _ in found.applist}
    assert markers <= {"APP0"}


def test_text_in_a_png_is_gone_and_what_is_transparent_is_white():
    notes = PngImagePlugin.PngInfo()
    notes.add_text("GPS", SECRET.decode())
    notes.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    stream = io.BytesIO()
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(stream, "PNG", pnginfo=notes, exif=exif())
    assert SECRET in stream.getvalue()
    data, _, _ = clean(stream.getvalue())
    assert SECRET not in data
    assert opened(data).getpixel((10, 10)) == (255, 255, 255)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_upright_as_the_camera_was_held(orientation):
    data, width, height = clean(photograph(exif=exif(orientation).tobytes()))
    turned = orientation >= 5
    assert (width, height) == ((300, 400) if turned else (400, 300))
    # Red is on the left before; where it is after follows from the orientation's meaning.
    where = {1: (5, 150), 2: (395, 150), 3: (395, 150), 4: (5, 150),
             5: (150, 5), 6: (150, 5), 7: (150, 395), 8: (150, 395)}  # fmt: skip
    red, _, blue = opened(data).convert("RGB").getpixel(where[orientation])
    assert red > 200
    assert blue < 50


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"], ids=["a JPEG", "a PNG", "a WebP"])
def test_known_by_its_content_and_made_smaller(form):
    data, width, height = clean(photograph(3200, 1000, form))
    assert (width, height) == (1600, 500)
    assert opened(data).info.get("progressive")
    assert len(data) < 200_000


def test_a_small_picture_is_not_blown_up():
    assert clean(photograph(30, 20))[1:] == (30, 20)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "YCbCr"])
def test_any_way_to_store_pixels(mode):
    form = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    stream = io.BytesIO()
    Image.new(mode, (40, 30)).save(stream, form)
    assert clean(stream.getvalue())[1:] == (40, 30)


def png(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says how large it is."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [7_100, 10_000, 20_000, 2**31 - 1])
def test_a_bomb_is_refused_before_it_is_unpacked(side):
    with pytest.raises(Refused, match="百万像素"):
        clean(png(side, side))


def test_a_bomb_of_text_or_of_frames_does_no_harm():
    notes = zlib.compress(b"a" * 200_000_000, 9)
    head = png(10, 10)
    text = b"zTXt" + b"k\0\0" + notes
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    with pytest.raises(Refused):
        clean(head[:33] + chunk + head[33:])
    stream = io.BytesIO()
    first, *rest = [Image.new("RGB", (20, 20), (n, 0, 0)) for n in range(0, 250, 5)]
    first.save(stream, "WEBP", save_all=True, append_images=rest)
    assert clean(stream.getvalue())[1:] == (20, 20)


def test_too_large_a_file():
    with pytest.raises(Refused, match="超过 12 MB"):
        clean(photograph() + b"\0" * photos.MOST_BYTES)


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"heix"])
def test_a_phones_own_format_is_named_with_what_to_do(brand):
    with pytest.raises(Refused, match=r"HEIC.*兼容性最佳"):
        clean(b"\0\0\0\x18ftyp" + brand + b"\0" * 200)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a" + b"\0" * 50,
        b"%PDF-1.7",
        b"PK\x03\x04" + b"\0" * 50,
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    ],
    ids=["nothing", "a beginning", "svg", "gif", "pdf", "zip", "eps"],
)
def test_what_is_no_photograph(data):
    with pytest.raises(Refused):
        clean(data)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_photograph_that_was_cut_off(form, part):
    data = photograph(form=form)
    with pytest.raises(Refused):
        clean(data[: int(len(data) * part)])


@given(st.data(), st.sampled_from(["JPEG", "PNG", "WEBP"]))
def test_damage_is_refused_or_drawn_and_never_a_surprise(data, form):
    whole = bytearray(photograph(64, 48, form, exif=exif(6)))
    for _ in range(data.draw(st.integers(1, 20))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        found, width, height = clean(bytes(whole))
    except Refused:
        return
    assert opened(found).size == (width, height)


# ---- kept with a visit or a problem ----


def test_a_photograph_is_read_back_and_listed_without_its_pixels(office, small):
    made = visit(office, small)["id"]
    kept = photos.add(office, MEMBER, with_everything(), visit=made, caption="<b>村口</b>\x00")
    data = photos.image(office, kept["id"])
    assert opened(data).size == (400, 300)
    assert SECRET not in data
    found = photos.of(office, visit=made)
    assert [one["caption"] for one in found] == ["<b>村口</b>"]
    assert "image" not in found[0]
    assert visits.one(office, small, MEMBER, made)["photos"] == found
    event = tables.event.c
    rows = office.rows(sa.select(event.after).where(event.kind == "photo.added"))
    assert '"image":"sha256:' in rows[0]["after"]


def test_who_was_there_and_the_office_add_photographs(office, small):
    made = visit(office, small, members=[MEMBER.id, OTHER.id])["id"]
    for actor in (MEMBER, OTHER, OFFICE):
        photos.add(office, actor, photograph(), visit=made)
    alone = visit(office, small)["id"]
    for actor in (OTHER, OFFICER, VIEWER, ADMINISTRATOR):
        with pytest.raises(Forbidden):
            photos.add(office, actor, photograph(), visit=alone)


def test_six_of_a_visit_and_a_withdrawn_one_makes_room(office, small):
    made = visit(office, small)["id"]
    ids = [photos.add(office, MEMBER, photograph(), visit=made)["id"] for _ in range(6)]
    with pytest.raises(Refused, match="最多放 6 张"):
        photos.add(office, MEMBER, photograph(), visit=made)
    photos.withdraw(office, MEMBER, ids[0], "拍到了人脸")
    photos.add(office, MEMBER, photograph(), visit=made)
    assert ids[0] not in [one["id"] for one in photos.of(office, visit=made)]


def test_a_withdrawn_photographs_pixels_are_deleted_and_its_trace_stays(office, small):
    made = visit(office, small)["id"]
    kept = photos.add(office, MEMBER, photograph(), visit=made)["id"]
    with pytest.raises(Forbidden):
        photos.withdraw(office, OTHER, kept, "理由")
    with pytest.raises(Refused):
        photos.withdraw(office, MEMBER, kept, "")
    photos.withdraw(office, OFFICE, kept, "拍到了证件")
    with pytest.raises(UnknownName):
        photos.image(office, kept)
    rows = office.rows(sa.select(tables.photo.c.image, tables.photo.c.withdrawn))
    assert [(bytes(row["image"]), row["withdrawn"]) for row in rows] == [(b"", True)]
    event = tables.event.c
    rows = office.rows(sa.select(event.reason).where(event.kind == "photo.withdrawn"))
    assert rows[0]["reason"] == "拍到了证件"
    assert verify.verify(office).whole


def test_a_repaired_road_is_shown_by_who_answers_for_it(office, small):
    made = bring(office, small, "assigned")
    photos.add(office, OFFICER, photograph(), problem=made, caption="整改后")
    turn(office, "2021-12-21T04:00")
    photos.add(office, MEMBER, photograph(), problem=made)
    for actor in (STRANGER, VIEWER, ADMINISTRATOR):
        with pytest.raises(Forbidden):
            photos.add(office, actor, photograph(), problem=made)
    shown = problems.one(office, small, VIEWER, made)["photos"]
    assert [one["caption"] for one in shown] == ["整改后", ""]
    closed = bring(office, small, "struck_off")
    with pytest.raises(Forbidden):
        photos.add(office, OFFICER, photograph(), problem=closed)


def test_a_photograph_is_of_something_that_is_there(office, small):
    with pytest.raises(BadRequest):
        photos.add(office, MEMBER, photograph())
    for wrong in ("none", "\x00"):
        with pytest.raises(UnknownName):
            photos.add(office, MEMBER, photograph(), visit=wrong)
        with pytest.raises(UnknownName):
            photos.add(office, MEMBER, photograph(), problem=wrong)
        with pytest.raises(UnknownName):
            photos.image(office, wrong)
    made, elsewhere = visit(office, small)["id"], bring(office, small, "found")
    with pytest.raises(BadRequest, match="不是在这次走访中发现"):
        photos.add(office, MEMBER, photograph(), visit=made, problem=elsewhere)
    found = visit(office, small, problems=[{"category": "other", "said": "泥路"}])
    kept = photos.add(office, MEMBER, photograph(), visit=found["id"], problem=found["problems"][0])
    assert photos.of(office, problem=found["problems"][0])[0]["id"] == kept["id"]
    visits.withdraw(office, MEMBER, made, "记错了")
    with pytest.raises(Conflict):
        photos.add(office, MEMBER, photograph(), visit=made)


def test_sent_twice_it_is_kept_once(office, small):
    made = visit(office, small)["id"]
    first = photos.add(office, MEMBER, photograph(), visit=made, key="p1")
    assert photos.add(office, MEMBER, photograph(), visit=made, key="p1") == first
    assert len(photos.of(office, visit=made)) == 1
    with pytest.raises(Conflict):
        photos.add(office, MEMBER, photograph(31, 31), visit=made, key="p1")

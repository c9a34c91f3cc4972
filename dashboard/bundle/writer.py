"""The bundle's folder, whole or not at all: written aside, then put into its place."""

from __future__ import annotations

from pathlib import Path

from dashboard import folders
from dashboard.bundle import assets, budget, compress, data, pages
from dashboard.bundle.manifest import FILE, Manifest, Site, read
from geodata.edition import Edition
from geodata.errors import EditionError
from geodata.progress import SILENT, Progress
from geodata.words import say
from layers.public.facts import Facts


def write(
    edition: Edition,
    out: Path,
    *,
    progress: Progress = SILENT,
    facts: Facts | None = None,
    twins: bool = True,
) -> Manifest:
    """Write the bundle of an edition into `out`, in place of the bundle that may be there.

    The same edition and facts give the same bytes. When it fails, what was in `out` still is.

    Parameters
    ----------
    facts : by default what the edition's manifest says.
    twins : whether `.gz` and `.br` are laid beside; a server that packs by itself needs none.

    Raises
    ------
    EditionError : when `out` holds something else than a bundle of ours, or cannot be written;
        when a screen would load too large a file.
    """
    from dashboard.app import assets_folder

    place = Path(out).resolve()
    folders.restore(place)
    _check(place)
    try:
        with folders.replacing(place) as aside:
            manifest = _fill(
                edition, Site(aside), facts or Facts.of(edition), assets_folder(), progress, twins
            )
    except OSError as error:
        raise EditionError(
            say("bundle.unwritable"), file=str(place), cure=say("bundle.unwritable_cure")
        ) from error
    return manifest


def _fill(
    edition: Edition, site: Site, facts: Facts, home: Path, progress: Progress, twins: bool
) -> Manifest:
    with progress.step(say("bundle.step_assets"), 1) as advance:
        built = assets.write(site, home)
        advance(1)
    with progress.step(say("bundle.step_data"), data.steps(edition)) as advance:
        atlas, catalogue = data.write(edition, site, facts, advance)
    with progress.step(say("bundle.step_pages"), pages.count(edition)) as advance:
        for path, text in pages.written(edition, facts, built, atlas, catalogue["hant"]):
            site.put(path, text.encode())
            advance(1)
    paths = sorted(site.files) if twins else []
    wanted = sum(compress.profits(site.folder / path) for path in paths)
    with progress.step(say("bundle.step_compress"), wanted) as advance:
        for path, body in compress.write(site.folder, paths, advance):
            site.note(path, body)
    first = ["index.html", built.text_style, built.map_style, *built.scripts, atlas]
    first += data.first_files(edition, catalogue)
    manifest = site.manifest(edition.id, tuple(path for path in first if path in site.files))
    budget.check(manifest)
    # Last of all: a folder without it is none of ours.
    (site.folder / FILE).write_bytes(manifest.as_bytes())
    return manifest


def _check(place: Path) -> None:
    """Only nothing, an empty folder or a bundle of ours gives way."""
    if not place.exists():
        return
    if not place.is_dir():
        raise EditionError(
            say("bundle.not_folder"), file=str(place), cure=say("bundle.not_folder_cure")
        )
    if any(place.iterdir()):
        try:
            read(place)
        except EditionError as error:
            raise EditionError(
                say("bundle.foreign"), file=str(place), cure=say("bundle.foreign_cure")
            ) from error

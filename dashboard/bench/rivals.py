"""The same polygons and values as a plotly choroplethmap page and as a folium page.

Each page sets `window.benchReady` once its first coloured map is idle, and offers
`benchRecolour(k)`, which gives every polygon another colour, `benchRepaint()`, which draws the
same picture once more, and `benchIdle()`, a promise that the map is idle again.
"""

from __future__ import annotations

import json
from pathlib import Path

import folium
import geopandas as gpd
import numpy as np
from plotly.offline import get_plotlyjs

from layers.page import leaflet_source

_PLOTLY = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>plotly</title>
<style>html,body,#map{{margin:0;height:100%}}</style><div id="map"></div>
<script src="plotly.js"></script><script>
(async () => {{
  const shapes = await (await fetch('shapes.geojson')).json();
  const n = {n};
  const values = k => Float64Array.from({{length: n}}, (_, i) => (i * 7 + k * 13) % 100);
  const idle = map => new Promise(done => map.once('idle', done));
  const map = () => document.getElementById('map')._fullLayout.map._subplot.map;
  await Plotly.newPlot('map', [{{type: 'choroplethmap', geojson: shapes, featureidkey: 'id',
    locations: Array.from({{length: n}}, (_, i) => i), z: values(0), zmin: 0, zmax: 100}}],
    {{map: {{style: {{version: 8, sources: {{}}, layers: []}}, center: {{lon: {lon}, lat: {lat}}},
      zoom: {zoom}}}, margin: {{l: 0, r: 0, t: 0, b: 0}}}});
  if (!map().loaded()) await idle(map());
  window.benchReady = performance.now();
  window.benchIdle = () => idle(map());
  window.benchRepaint = () => map().triggerRepaint();
  window.benchRecolour = k => {{ Plotly.restyle('map', {{z: [values(k)]}}); }};
}})();
</script></html>"""

_FOLIUM_HOOK = """
(() => {{
  const layer = {layer}, colours = ['#eff3ff', '#bdd7e7', '#6baed6', '#3182bd', '#08519c'];
  const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  frame().then(frame).then(() => {{ window.benchReady = performance.now(); }});
  window.benchIdle = async () => {{ await frame(); await frame(); }};
  window.benchRepaint = () => layer.eachLayer(shape => shape.redraw());
  window.benchRecolour = k => {{
    let i = 0;
    layer.eachLayer(shape => shape.setStyle({{fillColor: colours[(i++ * 7 + k) % 5]}}));
  }};
}})();
"""


def write_plotly(folder: Path, shapes: gpd.GeoDataFrame) -> Path:
    """Write plotly's page for `shapes` (EPSG:4326, position order); plotly.js lies beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plotly.js").write_text(get_plotlyjs(), "utf-8")
    (folder / "shapes.geojson").write_text(_geojson(shapes), "utf-8")
    west, south, east, north = shapes.total_bounds
    page = _PLOTLY.format(
        n=len(shapes),
        lon=(west + east) / 2,
        lat=(south + north) / 2,
        zoom=float(np.log2(360 / max(east - west, north - south))),
    )
    path = folder / "index.html"
    path.write_text(page, "utf-8")
    return path


def write_folium(folder: Path, shapes: gpd.GeoDataFrame) -> Path:
    """Write a folium page for `shapes` with Leaflet inlined, as folium draws a GeoJson layer."""
    folder.mkdir(parents=True, exist_ok=True)
    west, south, east, north = shapes.total_bounds
    page = folium.Map(tiles=None, prefer_canvas=True, zoom_control=False)
    layer = folium.GeoJson(
        json.loads(_geojson(shapes)),
        style_function=lambda feature: {
            "fillColor": "#6baed6" if int(feature["id"]) % 2 else "#eff3ff",
            "fillOpacity": 1,
            "weight": 0.3,
        },
    ).add_to(page)
    page.fit_bounds([[south, west], [north, east]])
    page.default_js, page.default_css = [], []
    rendered = page.get_root().render()
    head = f"<style>{leaflet_source('leaflet.css')}</style>"
    head += f"<script>{leaflet_source('leaflet.js')}</script></head>"
    hook = _FOLIUM_HOOK.format(layer=layer.get_name())
    rendered = rendered.replace("</head>", head, 1)
    path = folder / "index.html"
    path.write_text(rendered.replace("</html>", f"<script>{hook}</script></html>"), "utf-8")
    return path


def _geojson(shapes: gpd.GeoDataFrame) -> str:
    frame = gpd.GeoDataFrame(geometry=shapes.geometry.to_numpy(), crs=shapes.crs)
    return frame.to_json(drop_id=False)

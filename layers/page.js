// The map of a saved page: draws what `atlas` (data) holds onto a Leaflet map.
function drawAtlas(map, atlas) {
  "use strict";
  // Rings are whole 1e-5 degrees: a first point, then steps.
  function ring(steps) {
    var x = 0, y = 0, points = [];
    for (var i = 0; i < steps.length; i += 2) {
      x += steps[i]; y += steps[i + 1];
      points.push([y / 1e5, x / 1e5]);
    }
    return points;
  }
  function shape(parts) {
    return parts.map(function (rings) { return rings.map(ring); });
  }
  // Names come from files: they are put in as text, never as markup.
  function popup(row) {
    var box = document.createElement("div");
    row.text.forEach(function (line, n) {
      var part = document.createElement(n ? "div" : "b");
      part.textContent = line;
      box.appendChild(part);
    });
    return box;
  }
  var lines = L.layerGroup();
  atlas.rows.forEach(function (row) {
    var layer = L.polygon(shape(row.shape), {
      color: atlas.border, weight: atlas.weight, opacity: 0.9, lineJoin: "round",
      fillColor: row.fill, fillOpacity: row.fill === "none" ? 0 : 1, smoothFactor: 0.6
    });
    layer.bindPopup(function () { return popup(row); });
    layer.on("mouseover", function () {
      layer.setStyle({ color: atlas.accent, weight: 2.5 });
      layer.bringToFront();
    });
    layer.on("mouseout", function () {
      layer.setStyle({ color: atlas.border, weight: atlas.weight });
      lines.eachLayer(function (line) { line.bringToFront(); });
    });
    layer.addTo(map);
  });
  atlas.lines.forEach(function (line) {
    lines.addLayer(L.polygon(shape(line.shape), {
      color: line.own ? atlas.strong : atlas.outline, weight: line.weight,
      opacity: line.own ? 0.9 : 0.6, fill: false, interactive: false
    }));
  });
  if (atlas.chosen) {
    lines.addLayer(L.polygon(shape(atlas.chosen), {
      color: atlas.accent, weight: 3, fill: false, interactive: false
    }));
  }
  lines.addTo(map);
  L.control.zoom({ zoomInTitle: atlas.words.zoom_in, zoomOutTitle: atlas.words.zoom_out })
    .addTo(map);
  // Leaflet's own scale writes m and km.
  var Scale = L.Control.Scale.extend({
    _updateMetric: function (most) {
      var metres = this._getRoundNum(most);
      var label = metres < 1000 ? metres + " " + atlas.words.metres
        : metres / 1000 + " " + atlas.words.kilometres;
      this._updateScale(this._mScale, label, metres / most);
    }
  });
  new Scale({ imperial: false }).addTo(map);
  if (atlas.camera) {
    map.setView([atlas.camera[1], atlas.camera[2]], atlas.camera[0], { animate: false });
  } else {
    map.fitBounds(atlas.bounds, { animate: false, padding: [8, 8] });
  }
}

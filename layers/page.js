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
  var layers = [];
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
    layers.push(layer);
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
  // Leaflet's close button has an English name, and an address that leads nowhere.
  map.on("popupopen", function (event) {
    var close = event.popup.getElement().querySelector(".leaflet-popup-close-button");
    close.setAttribute("aria-label", atlas.words.close);
    close.removeAttribute("href");
    close.tabIndex = 0;
    close.onkeydown = function (key) {
      if (key.key === "Enter" || key.key === " ") { key.preventDefault(); close.click(); }
    };
  });
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
  // A note on the map itself, so that a picture of it says it, too.
  function note(text, name, position) {
    var control = L.control({ position: position });
    control.onAdd = function () {
      var box = L.DomUtil.create("div", name);
      box.textContent = text;
      return box;
    };
    control.addTo(map);
  }
  if (atlas.corner) note(atlas.corner, "corner", "bottomleft");
  if (atlas.watermark) {
    var mark = L.DomUtil.create("div", "watermark", map.getContainer());
    mark.textContent = atlas.watermark;
  }
  function turn(number) {
    var now = atlas.turns[number];
    map.closePopup();
    document.querySelector(".now").textContent = now.label;
    layers.forEach(function (layer, n) {
      atlas.rows[n].text = now.texts[n];
      layer.setStyle({
        fillColor: now.fills[n], fillOpacity: now.fills[n] === "none" ? 0 : 1
      });
    });
    Array.prototype.forEach.call(document.querySelectorAll(".legend .n"), function (cell, n) {
      cell.textContent = now.counts[n];
    });
  }
  if (atlas.turns.length) {
    var chooser = L.control({ position: "topright" });
    chooser.onAdd = function () {
      var box = L.DomUtil.create("div", "turns");
      var label = L.DomUtil.create("label", "", box);
      label.appendChild(document.createTextNode(atlas.words.period + " "));
      var select = L.DomUtil.create("select", "", label);
      atlas.turns.forEach(function (one, n) {
        select.appendChild(new Option(one.label, n, n === atlas.turn, n === atlas.turn));
      });
      select.addEventListener("change", function () { turn(Number(select.value)); });
      L.DomEvent.disableClickPropagation(box);
      L.DomEvent.on(box, "keydown", L.DomEvent.stopPropagation);
      return box;
    };
    chooser.addTo(map);
  }
  if (atlas.camera) {
    map.setView([atlas.camera[1], atlas.camera[2]], atlas.camera[0], { animate: false });
  } else {
    map.fitBounds(atlas.bounds, { animate: false, padding: [8, 8] });
  }
}

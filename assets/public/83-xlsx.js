/* A workbook as bytes: sheets of numbers and texts, stored in a zip file without compression. */
"use strict";
(function () {
  const bangfu = window.bangfu;

  const encoder = new TextEncoder();

  let table = null;

  function crc32(bytes) {
    if (!table) {
      table = new Uint32Array(256).map((_, n) => {
        let c = n;
        for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
        return c >>> 0;
      });
    }
    let crc = 0xffffffff;
    for (let n = 0; n < bytes.length; n++) crc = table[(crc ^ bytes[n]) & 255] ^ (crc >>> 8);
    return (crc ^ 0xffffffff) >>> 0;
  }

  /* 1980-01-01, so that the same data make the same file. */
  const DAY = 0x21;

  /** A zip file's parts, for a Blob: `files` is a list of [name, bytes]. */
  function zip(files) {
    const parts = [];
    const central = [];
    let at = 0;
    for (const [name, bytes] of files) {
      const path = encoder.encode(name);
      const head = (signature, size) => {
        const view = new DataView(new ArrayBuffer(size));
        view.setUint32(0, signature, true);
        return view;
      };
      const common = (view, from) => {
        view.setUint16(from, 20, true); // version that can read it
        view.setUint16(from + 2, 0x0800, true); // names are UTF-8
        view.setUint16(from + 4, 0, true); // stored
        view.setUint16(from + 6, 0, true);
        view.setUint16(from + 8, DAY, true);
        view.setUint32(from + 10, crc32(bytes), true);
        view.setUint32(from + 14, bytes.length, true);
        view.setUint32(from + 18, bytes.length, true);
        view.setUint16(from + 22, path.length, true);
      };
      const local = head(0x04034b50, 30);
      common(local, 4);
      const entry = head(0x02014b50, 46);
      entry.setUint16(4, 20, true);
      common(entry, 6);
      entry.setUint32(42, at, true);
      parts.push(local.buffer, path, bytes);
      central.push(entry.buffer, path);
      at += 30 + path.length + bytes.length;
    }
    const size = central.reduce((sum, part) => sum + part.byteLength, 0);
    const end = new DataView(new ArrayBuffer(22));
    end.setUint32(0, 0x06054b50, true);
    end.setUint16(8, files.length, true);
    end.setUint16(10, files.length, true);
    end.setUint32(12, size, true);
    end.setUint32(16, at, true);
    return [...parts, ...central, end.buffer];
  }

  /** Text of an XML element: what may not stand in one is escaped or left out. */
  const xml = (text) =>
    String(text)
      // eslint-disable-next-line no-control-regex
      .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "")
      .replace(/&/g, "&amp;")
      .replace(/</g, "&lt;")
      .replace(/>/g, "&gt;")
      .replace(/"/g, "&quot;");

  /** Column letters: A, B, ..., Z, AA. */
  function letters(n) {
    let found = "";
    for (let left = n + 1; left > 0; left = Math.floor((left - 1) / 26)) {
      found = String.fromCharCode(65 + ((left - 1) % 26)) + found;
    }
    return found;
  }

  function cell(value, column, row) {
    const place = letters(column) + (row + 1);
    if (value === null || value === undefined || value === "") return "";
    if (typeof value === "number") return '<c r="' + place + '"><v>' + value + "</v></c>";
    return '<c r="' + place + '" t="inlineStr"><is><t xml:space="preserve">' + xml(value) + "</t></is></c>";
  }

  const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
  const MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
  const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
  const PACKAGE = "http://schemas.openxmlformats.org/package/2006/";
  const KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.";

  /** One sheet; `widths` in letters, `frozen` rows that stay while one scrolls. */
  function sheet({ rows, widths, frozen }) {
    const columns = (widths || [])
      .map((width, n) => '<col min="' + (n + 1) + '" max="' + (n + 1) + '" width="' + width + '" customWidth="1"/>')
      .join("");
    const pane = frozen
      ? '<sheetViews><sheetView workbookViewId="0"><pane ySplit="' + frozen + '" topLeftCell="A' + (frozen + 1) +
        '" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
      : "";
    const body = rows.map((row, n) =>
      '<row r="' + (n + 1) + '">' + row.map((value, column) => cell(value, column, n)).join("") + "</row>"
    );
    return (
      HEAD + '<worksheet xmlns="' + MAIN + '">' + pane + (columns ? "<cols>" + columns + "</cols>" : "") +
      "<sheetData>" + body.join("") + "</sheetData></worksheet>"
    );
  }

  /** A workbook as a Blob; `sheets` is a list of {name, rows, widths, frozen}. */
  function workbook(sheets) {
    const names = sheets.map((one) => one.name.replace(/[\\/?*[\]:]/g, " ").slice(0, 31));
    const each = (make) => sheets.map((_, n) => make(n + 1, names[n])).join("");
    const files = [
      ["[Content_Types].xml",
        HEAD + '<Types xmlns="' + PACKAGE + 'content-types">' +
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>' +
        '<Default Extension="xml" ContentType="application/xml"/>' +
        '<Override PartName="/xl/workbook.xml" ContentType="' + KIND + 'sheet.main+xml"/>' +
        each((n) => '<Override PartName="/xl/worksheets/sheet' + n + '.xml" ContentType="' + KIND + 'worksheet+xml"/>') +
        "</Types>"],
      ["_rels/.rels",
        HEAD + '<Relationships xmlns="' + PACKAGE + 'relationships"><Relationship Id="rId1" Type="' +
        OFFICE + '/officeDocument" Target="xl/workbook.xml"/></Relationships>'],
      ["xl/workbook.xml",
        HEAD + '<workbook xmlns="' + MAIN + '" xmlns:r="' + OFFICE + '"><sheets>' +
        each((n, name) => '<sheet name="' + xml(name) + '" sheetId="' + n + '" r:id="rId' + n + '"/>') +
        "</sheets></workbook>"],
      ["xl/_rels/workbook.xml.rels",
        HEAD + '<Relationships xmlns="' + PACKAGE + 'relationships">' +
        each((n) => '<Relationship Id="rId' + n + '" Type="' + OFFICE + '/worksheet" Target="worksheets/sheet' + n + '.xml"/>') +
        "</Relationships>"],
      ...sheets.map((one, n) => ["xl/worksheets/sheet" + (n + 1) + ".xml", sheet(one)]),
    ];
    const parts = zip(files.map(([name, text]) => [name, encoder.encode(text)]));
    return new Blob(parts, {
      type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    });
  }

  bangfu.public.workbook = workbook;
})();

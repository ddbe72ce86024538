// Draws the page's charts with Vega, which is fetched from this server when the first chart is shown.
"use strict";

(() => {
  let loading;

  function vegaLoaded() {
    loading = loading || new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = document.body.dataset.vega;
      script.onload = () => resolve(window.vegaEmbed);
      script.onerror = () => reject(new Error("The charts' library could not be loaded."));
      document.head.append(script);
    });
    return loading;
  }

  function look() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const font = getComputedStyle(document.body).fontFamily;
    const text = { labelColor: colour("--muted"), titleColor: colour("--muted"), labelFont: font, titleFont: font };
    return {
      background: null, font,
      view: { stroke: null },
      axis: { ...text, gridColor: colour("--line"), domainColor: colour("--line"), tickColor: colour("--line"), titleFontWeight: "normal" },
      axisTemporal: { tickCount: 7, grid: false }, axisQuantitative: { tickCount: 6 },
      legend: text, header: text,
      title: { color: colour("--ink"), subtitleColor: colour("--muted"), font, anchor: "start" },
      text: { color: colour("--ink") },
    };
  }

  // Charts are defined in the colours of paper; what is ink there is the page's own ink, so that it is seen in the dark as well.
  function coloured(spec) {
    const style = getComputedStyle(document.documentElement);
    const PAPER = { "#20262c": "--ink", "#f4f6f8": "--panel", "#5a6570": "--muted", "#8a949e": "--muted" };
    return spec.replace(/#(?:20262c|f4f6f8|5a6570|8a949e)/g, (colour) => style.getPropertyValue(PAPER[colour]).trim());
  }

  const dark = matchMedia("(prefers-color-scheme: dark)");

  async function draw(figure) {
    const embed = await vegaLoaded();
    const spec = JSON.parse(coloured(figure.dataset.spec));
    spec.description = figure.dataset.title; // what Vega labels the figure with
    const isComposed = Boolean(spec.hconcat || spec.vconcat || spec.concat || spec.facet);
    figure.classList.toggle("composed", isComposed); // as wide as its parts; page.css makes it fit
    if (spec.width === "container") spec.width = Math.max(160, figure.clientWidth - 24);
    if (!isComposed) spec.autosize = spec.autosize || { type: "fit-x", contains: "padding" };
    if (figure.drawing) figure.drawing.finalize();
    // Expressions are walked, never made into code: the page's policy forbids that. Styles are in page.css for the same reason.
    figure.drawing = await embed(figure, spec, {
      mode: "vega-lite", ast: true, actions: false, defaultStyle: false, renderer: "canvas", config: look(),
      tooltip: { disableDefaultStyle: true }, hover: true, logLevel: 1,
    });
    figure.classList.add("drawn");
    figure.classList.toggle("dark", dark.matches); // paper is light: page.css turns it round there
  }

  function drawAll(root = document) {
    return Promise.all([...root.querySelectorAll("figure.chart[data-spec]")].map((figure) => draw(figure).catch((problem) => {
      figure.textContent = `No chart: ${problem.message} The table says the same.`;
      console.error(problem);
    })));
  }

  window.charts = { drawAll };
  dark.addEventListener("change", () => drawAll());
  let resized;
  addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(() => drawAll(), 200); });
  document.addEventListener("DOMContentLoaded", () => drawAll());
})();

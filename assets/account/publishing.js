/* How far a publication is, without loading the page again; when it ends, the page says the rest. */
(function () {
  "use strict";
  const BETWEEN = 1200;
  const PATIENCE = 5000;
  const card = document.getElementById("job");
  if (!card) {
    return;
  }
  const bar = document.getElementById("job-bar");
  const label = document.getElementById("job-label");
  const share = document.getElementById("job-share");

  function show(job) {
    bar.value = job.percent;
    bar.textContent = job.percent + "%";
    share.textContent = card.dataset.share.replace("#", job.percent);
    if (label.textContent !== job.label) {
      label.textContent = job.label; // read out: not more often than a step begins
    }
  }

  function look() {
    // The header says that no person asked: it keeps nobody signed in.
    fetch(card.dataset.poll, { headers: { "X-Background": "1" }, cache: "no-store" })
      .then(function (answer) {
        if (answer.status === 401 || answer.status === 403) {
          return { job: null };
        }
        if (!answer.ok) {
          throw new Error(answer.status);
        }
        return answer.json();
      })
      .then(function (told) {
        if (!told.job || told.job.id !== card.dataset.id) {
          window.location.replace(card.dataset.place);
          return;
        }
        show(told.job);
        window.setTimeout(look, BETWEEN);
      })
      .catch(function () {
        window.setTimeout(look, PATIENCE); // the server is away for a moment
      });
  }

  window.setTimeout(look, BETWEEN);
})();

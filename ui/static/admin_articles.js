// The operator's list of articles: files are sent one after the other, shown as they were read, sent again to be added.
// Whatever a file or the server says is put in as text. Nothing is kept on the server: this page holds the files.
"use strict";
(() => {
  const $ = (selector, inside = document) => inside.querySelector(selector);
  const drop = $("#drop");
  const queue = $("#queue");
  const suffixes = drop.dataset.suffixes.split(", ");
  const rows = []; // { file, item, state, preview, request }: the files in the queue, in order
  const WAITS = new Set(["waiting", "reading", "adding"]);
  const PROBLEMS = {
    0: "Mất kết nối giữa chừng, hoặc tệp vừa bị sửa. Hãy thử lại; bài đã vào kho sẽ không bị thêm hai lần.",
    401: "Cần nhập lại mật khẩu quản trị. Hãy tải lại trang.",
    413: "Tệp này quá lớn. Hãy chia nhỏ tệp rồi thử lại.",
    429: "Mật khẩu đã bị nhập sai quá nhiều lần. Hãy chờ vài phút rồi tải lại trang.",
  };
  let turn = Promise.resolve();

  // One after the other: the server reads few files at once, and lets one at a time change the articles.
  const inTurn = (work) => (turn = turn.then(work, work));
  const number = (count) => count.toLocaleString("vi-VN");
  const tell = (text) => ($("#told").textContent = text);

  function fill(list, kind, texts) {
    list.replaceChildren(...texts.map((text) => Object.assign(document.createElement(kind), { textContent: text })));
  }

  // Asks the server; resolves to what the last event says, or to a problem.
  function ask(row, path, body, progress) {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      let read = 0;
      let last = null;
      const listen = () => {
        const text = request.responseText;
        for (let end; (end = text.indexOf("\n\n", read)) >= 0; read = end + 2) {
          const event = text.slice(read, end);
          if (event.startsWith("data: ")) {
            last = JSON.parse(event.slice(6));
            if (last.progress && progress) {
              progress(last.progress.done, last.progress.total);
            }
          }
        }
      };
      const end = () => {
        if (request.status === 204) {
          resolve({});
          return;
        }
        if (request.status === 200) {
          listen();
        }
        if (last && !last.progress) {
          resolve(last);
          return;
        }
        const status = request.status === 200 ? 0 : request.status; // its stream was cut off
        const isTold = (request.getResponseHeader("Content-Type") || "").startsWith("application/json");
        const problem = PROBLEMS[status] || `Máy chủ trả lời lỗi ${status}. Hãy thử lại sau.`;
        resolve({ problem: { problem, ...(status && isTold ? JSON.parse(request.responseText) : {}) } });
      };
      request.open("POST", `articles/${path}`);
      request.setRequestHeader(drop.dataset.header, "1");
      request.setRequestHeader("Content-Type", typeof body === "string" ? "application/json" : "application/octet-stream");
      request.onprogress = () => request.status === 200 && listen();
      request.upload.onprogress = (event) => event.lengthComputable && progress && progress(event.loaded, event.total, true);
      request.onload = end;
      request.onerror = end;
      request.onabort = () => resolve({ problem: { problem: PROBLEMS[0] } });
      if (row) {
        row.request = request;
      }
      request.send(body);
    });
  }

  function show(row, state, text) {
    row.state = state;
    row.item.dataset.state = state;
    $(".state", row.item).textContent = text;
    $(".add", row.item).hidden = state !== "ready";
    $(".again", row.item).hidden = state !== "failed" || Boolean(amiss(row.file));
    $(".leave", row.item).hidden = state === "adding";
    $(".leave", row.item).firstChild.data = state === "added" ? "Ẩn" : "Bỏ";
    const bar = $("progress", row.item);
    bar.hidden = !WAITS.has(state);
    if (!bar.hidden) {
      bar.removeAttribute("value");
      bar.setAttribute("aria-label", `${row.file.name}: tiến độ`);
    }
    count();
  }

  function count() {
    const ready = rows.filter((row) => row.state === "ready").length;
    $("#all").hidden = rows.length < 2;
    $("#all .add").hidden = ready < 2;
    $("#all .add").textContent = `Thêm tất cả ${ready} tệp đã đọc`;
  }

  function moved(row, doing) {
    return (done, total, isUpload) => {
      const bar = $("progress", row.item);
      if (total) {
        bar.max = total;
        bar.value = done;
      }
      const text = isUpload
        ? done < total ? `Đang gửi: ${Math.floor((100 * done) / total)}%` : "Đã gửi, máy chủ đang đọc…"
        : total > 1 ? `${doing}: ${number(done)}/${number(total)} bài` : `${doing}…`;
      if (!isUpload && total <= 1) {
        bar.removeAttribute("value"); // one article has no half
      }
      $(".state", row.item).textContent = text;
    };
  }

  function failed(row, found) {
    show(row, "failed", found.problem);
    const detail = $(".detail", row.item);
    detail.textContent = found.detail || "";
    detail.hidden = !found.detail;
    tell(`${row.file.name}: ${found.problem}`);
  }

  // What is wrong with a file can often be told before it is sent.
  function amiss(file) {
    const dot = file.name.lastIndexOf(".");
    const suffix = dot > 0 ? file.name.slice(dot).toLowerCase() : "";
    const most = Number(suffix === ".jsonl" ? drop.dataset.mostJsonl : drop.dataset.most);
    if (!suffixes.includes(suffix)) {
      return `Loại tệp này không đọc được. Hãy dùng một trong các loại: ${suffixes.join(", ")}.`;
    }
    if (file.size > most) {
      return `Tệp này quá lớn: được phép đến ${most / 1e6} MB. Hãy chia nhỏ tệp rồi thử lại.`;
    }
    return file.size ? "" : "Tệp này rỗng. Hãy chọn tệp có nội dung.";
  }

  function take(file) {
    const item = $("#file").content.cloneNode(true).firstElementChild;
    const row = { file, item, state: "", preview: null, request: null };
    $("h3", item).textContent = file.name;
    $(".add", item).onclick = () => add(row);
    $(".again", item).onclick = () => look(row); // also after adding failed: what it would do now may be something else
    $(".leave", item).onclick = () => leave(row);
    for (const button of item.querySelectorAll("button")) {
      button.append(Object.assign(document.createElement("span"), { className: "unseen", textContent: ` ${file.name}` }));
    }
    rows.push(row);
    queue.append(item);
    look(row);
  }

  function look(row) {
    const problem = amiss(row.file);
    if (problem) {
      failed(row, { problem });
      return;
    }
    show(row, "waiting", "Đang chờ đọc…");
    inTurn(async () => {
      if (row.state !== "waiting") {
        return;
      }
      show(row, "reading", "Đang gửi…");
      const found = await ask(row, `read?name=${encodeURIComponent(row.file.name)}`, row.file, moved(row, "Đang đọc"));
      if (row.state !== "reading") {
        return;
      }
      if (!found.preview) {
        failed(row, found.problem);
        return;
      }
      row.preview = found.preview;
      display(row);
      judge(row);
      tell(`${row.file.name}: ${$(".state", row.item).textContent}`);
    });
  }

  function display(row) {
    const found = row.preview;
    const inside = $(".preview", row.item);
    inside.hidden = false;
    $(".detail", row.item).hidden = true;
    $(".title", inside).textContent = found.title;
    $(".facts", inside).replaceChildren(
      ...found.facts.map(([name, value]) => {
        const pair = document.createElement("div");
        pair.append(
          Object.assign(document.createElement("dt"), { textContent: name }),
          Object.assign(document.createElement("dd"), { textContent: value }),
        );
        return pair;
      }),
    );
    fill($(".notes", inside), "li", found.notes);
    $("summary", inside).textContent = found.label;
    const lines = $(".lines", inside);
    lines.setAttribute("aria-label", `${found.label}: ${row.file.name}`);
    lines.replaceChildren(
      ...found.lines.map(([kind, text]) => Object.assign(document.createElement("p"), { className: kind, textContent: text })),
    );
    failures(row, found.failures);
  }

  function failures(row, texts) {
    fill($(".failures ul", row.item), "li", texts);
    $(".failures", row.item).hidden = !texts.length;
  }

  // Whether a file that was read can go in: it changes something, and no other file here has an article of its ids.
  function judge(row) {
    const ids = new Set(row.preview.ids);
    const other = rows.find((one) => one !== row && ["ready", "adding"].includes(one.state) && one.preview.ids.some((id) => ids.has(id)));
    if (!ids.size) {
      show(row, "same", "Không có gì để thêm: nội dung này đã có trong kho.");
    } else if (other) {
      show(row, "clash", `Trùng mã bài với tệp “${other.file.name}”: chỉ thêm được một trong hai. Hãy bỏ một tệp.`);
    } else {
      show(row, "ready", "Đã đọc, chưa thêm vào kho.");
    }
  }

  function add(row) {
    show(row, "adding", "Đang chờ thêm…");
    $("h3", row.item).focus();
    inTurn(async () => {
      const { name } = row.file;
      const path = `add?name=${encodeURIComponent(name)}&mark=${row.preview.mark}`;
      const found = await ask(row, path, row.file, moved(row, "Đang thêm vào kho"));
      if (found.added) {
        show(row, "added", `${found.added.message} `);
        if (found.added.href) {
          $(".state", row.item).append(Object.assign(document.createElement("a"), { href: `../${found.added.href}`, textContent: "Xem bài viết" }));
        }
        $(".preview", row.item).hidden = true;
        $(".detail", row.item).hidden = true;
        failures(row, found.added.failures);
        tell(found.added.message);
        await refresh();
      } else {
        failed(row, found.problem);
      }
      reconsider(true);
    });
  }

  // Another file has gone in, or was left out: what clashed with it may be free. What it would replace is now another.
  function reconsider(isNew) {
    for (const row of rows.filter((one) => one.state === "clash")) {
      judge(row);
      if (isNew && row.state === "ready") {
        look(row);
      }
    }
  }

  function leave(row) {
    const at = rows.indexOf(row);
    const { state } = row;
    rows.splice(at, 1);
    row.state = "left";
    row.item.remove();
    if (state === "reading") {
      row.request.abort();
    }
    reconsider(false);
    count();
    const next = rows[Math.min(at, rows.length - 1)];
    (next ? $("h3", next.item) : $("#files")).focus();
  }

  // The list as it is now, without losing the files that are here.
  function refresh() {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open("GET", location.href);
      request.responseType = "document";
      request.onload = () => {
        const fresh = request.response && $("#held", request.response);
        if (fresh) {
          $("#held").replaceWith(document.adoptNode(fresh));
        }
        resolve();
      };
      request.onerror = resolve;
      request.send();
    });
  }

  const chosen = () => [...document.querySelectorAll("#held [name=chosen]:checked")];

  function confirmRemoval(articles) {
    const dialog = $("#confirm");
    const [no, yes] = dialog.querySelectorAll("button");
    const state = $(".state", dialog);
    $("h2", dialog).textContent = articles.length > 1 ? `Gỡ ${number(articles.length)} bài khỏi kho?` : "Gỡ bài này khỏi kho?";
    fill($("ul", dialog), "li", articles.map((one) => one.title));
    state.textContent = "";
    no.onclick = () => dialog.close();
    yes.onclick = async () => {
      yes.disabled = true;
      const found = await ask(null, "remove", JSON.stringify({ ids: articles.map((one) => one.id) }));
      yes.disabled = false;
      if (found.problem) {
        state.textContent = found.problem.problem;
        return;
      }
      dialog.close();
      await refresh();
      const message = articles.length > 1 ? `Đã gỡ ${number(articles.length)} bài.` : `Đã gỡ “${articles[0].title}”.`;
      $("#done").textContent = message;
      tell(message);
      $("#holding").focus();
    };
    dialog.showModal();
  }

  document.addEventListener("click", (event) => {
    const { id, title } = event.target.dataset ?? {};
    if (event.target.matches("#held .remove")) {
      confirmRemoval([{ id, title }]);
    } else if (event.target.matches("#remove-chosen")) {
      confirmRemoval(chosen().map((box) => ({ id: box.value, title: box.dataset.title })));
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("#held [name=chosen]")) {
      const button = $("#remove-chosen");
      button.hidden = !chosen().length;
      button.textContent = `Gỡ ${number(chosen().length)} bài đã chọn`;
    }
  });
  $("#files").addEventListener("change", (event) => {
    [...event.target.files].forEach(take);
    event.target.value = ""; // the same file may be chosen again
  });
  $("#all .add").addEventListener("click", () => rows.filter((row) => row.state === "ready").forEach(add));
  $("#all .drop-all").addEventListener("click", () => rows.filter((row) => row.state !== "adding").forEach(leave));
  // A file that is dropped beside the zone must not open in place of the page.
  for (const kind of ["dragover", "drop"]) {
    document.addEventListener(kind, (event) => event.preventDefault());
  }
  drop.addEventListener("dragover", () => drop.classList.add("over"));
  for (const kind of ["dragleave", "drop"]) {
    drop.addEventListener(kind, () => drop.classList.remove("over"));
  }
  drop.addEventListener("drop", (event) => [...event.dataTransfer.files].forEach(take));
  window.addEventListener("beforeunload", (event) => rows.some((row) => row.state === "adding") && event.preventDefault());
})();

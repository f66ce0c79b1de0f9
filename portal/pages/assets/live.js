"use strict";
// The live page: asks /live.json once a second while it is looked at, and redraws what changed.
// Everything from the server goes in as text, never as markup.
(() => {
  const words = JSON.parse(document.getElementById("words").textContent);
  const root = document.documentElement;
  let lang = root.lang.startsWith("zh") ? "zh" : "en";
  let last = null;
  let etag = null;
  let seen = null;
  const open = new Set();

  // The key came in the address once; it lives in a cookie that scripts cannot read from now on.
  if (location.search) history.replaceState(null, "", location.pathname);

  const t = (key) => words[lang][key] ?? key;
  const $ = (id) => document.getElementById(id);

  function h(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value !== null && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }

  // Minor units become decimals by the currency's own number of them: yen have none.
  const money = (minor, currency = last.currency) => {
    const sign = minor < 0 ? "\u2212" : "";
    const symbol = currency === "CNY" ? "¥" : `${currency} `;
    const digits = last.decimals[currency] ?? 2;
    const unit = 10 ** digits;
    const sum = Math.abs(minor);
    const rest = digits ? `.${String(sum % unit).padStart(digits, "0")}` : "";
    return `${sign}${symbol}${Math.floor(sum / unit).toLocaleString("en")}${rest}`;
  };
  const clock = (iso, zone) => iso === null ? "–" : new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit", minute: "2-digit", timeZone: zone }).format(new Date(iso));
  const dayOf = (iso, zone) => new Intl.DateTimeFormat(lang === "zh" ? "zh-CN" : "en-GB", {
    day: "numeric", month: "short", timeZone: zone }).format(new Date(iso));
  // A day as it is called now: `today`, or its date.
  const onDay = (day, zone) => {
    const today = new Intl.DateTimeFormat("en-CA", { timeZone: zone }).format(new Date());
    return day === today ? t("today") : dayOf(`${day}T12:00:00Z`, "UTC");
  };
  const lasting = (from, until) => {
    const minutes = Math.floor((new Date(until) - new Date(from)) / 60000);
    const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
    if (lang === "zh") return hours ? `${hours} 小时 ${rest} 分` : `${rest} 分`;
    return hours ? `${hours} h ${rest} min` : `${rest} min`;
  };
  const name = (thing) => lang === "zh" ? thing.name_zh : thing.name_en;
  const badge = (state) => h("span", { class: `badge ${last.tones[state] ?? ""}` },
    t(`state.${state}`));
  // A ticket stands for a plate that nobody could read; its beginning is enough in a list.
  const plate = (text, colour) => text.startsWith("票")
    ? h("span", { class: "plate none", title: text }, `${text.slice(0, 6)}…`)
    : h("span", { class: `plate ${colour}` },
      text.length > 2 ? `${text.slice(0, 2)}·${text.slice(2)}` : text);

  function lot(item) {
    // More cars than spaces fill the bar, and no more than that.
    const whole = Math.max(1, item.spaces, item.occupied);
    const share = 100 * item.occupied / Math.max(1, item.spaces);
    const mood = share >= 95 ? "full" : share >= 75 ? "busy" : "";
    const parts = item.classes.filter((each) => each.occupied).map((each) => {
      const part = h("i", { class: each.kind });
      part.style.width = `${100 * each.occupied / whole}%`;
      return part;
    });
    const label = `${t("lot.free")} ${item.free} ${t("lot.of")} ${item.spaces}`;
    const kinds = item.classes.length > 1 || item.classes.some((each) => each.capacity < item.spaces)
      ? item.classes.map((each) => h("span", { class: `kind ${each.kind}` },
        `${t(`kind.${each.kind}`)} ${each.occupied}`
        + (each.capacity < item.spaces ? ` · ${t("lot.free")} ${each.free}` : "")))
      : [];
    const counted = item.counted_at === null ? "" : ` · ${t("lot.counted")} `
      + `${dayOf(item.counted_at, item.zone)} ${clock(item.counted_at, item.zone)}`;
    return h("div", { class: "lot" },
      h("div", { class: "head" }, h("h3", { class: "small" }, name(item)),
        h("span", { class: `num free ${mood}` }, h("b", {}, `${item.free}`),
          h("span", { class: "soft small" }, ` ${t("free")}`))),
      h("div", { class: `bar ${mood}`, role: "img", "aria-label": `${name(item)}: ${label}` },
        ...parts),
      h("p", { class: "soft small num" }, `${item.occupied} / ${item.spaces}${counted}`),
      kinds.length ? h("p", { class: "kinds small" }, ...kinds) : null,
      h("p", { class: "soft small" },
        item.day === null ? t("empty.left")
          : `${onDay(item.day, item.zone)}: ${item.visits} ${t("visits")} · ${money(item.fees_minor)}`));
  }

  function cloneRow(item) {
    const reads = item.sightings.map((each) => h("li", {}, h("span", { class: "num" },
      `${dayOf(each.at, each.lot.zone)} ${clock(each.at, each.lot.zone)}`),
      ` ${name(each.lot)} · ${t(each.entry ? "clone.entry" : "clone.exit")}`));
    const apart = item.distance_km === null ? ""
      : ` ${item.distance_km.toFixed(1)} km` + (item.speed_kmh === null ? ""
        : ` · ${Math.round(item.speed_kmh)} km/h`);
    return h("div", { class: "lot", "data-key": item.suspicion_id },
      h("div", { class: "head" }, plate(item.plate, item.colour), badge("cloned_plate")),
      h("p", { class: "small" }, t(`clone.${item.kind}`) + apart),
      h("ul", { class: "reads small" }, ...reads),
      h("p", { class: "soft small" }, t("clone.held")));
  }

  function feeTable(stay) {
    const rows = stay.lines.map((line) => h("tr", {},
      h("td", {}, lang === "zh" ? line.text_zh : line.text_en),
      h("td", { class: "num" }, money(line.amount_minor, stay.currency))));
    rows.push(h("tr", { class: "total" }, h("td", {}, t("total")),
      h("td", { class: "num" }, money(stay.fee_minor, stay.currency))));
    return h("table", { class: "lines" }, h("tbody", {}, ...rows));
  }

  function stayMore(stay) {
    const note = { tentative: "note.tentative", missed_exit: "note.missed_exit",
      missed_entry: "note.missed_entry", cloned_plate: "note.cloned_plate",
      other_car: "note.other_car", unbound: "note.unbound" }[stay.status];
    return h("div", { class: "more" },
      note ? h("p", { class: "note" }, t(note)) : null,
      stay.read_as ? h("p", { class: "note" }, `${t("read_as")} ${stay.read_as}`) : null,
      stay.fee_minor === null ? h("p", { class: "soft small" }, t("no_fee_yet")) : feeTable(stay),
      h("p", { class: "ids" }, stay.tariff ? `${t("tariff")} ${stay.tariff} · ` : "",
        `${t("stay")} ${stay.stay_id}`, stay.trace_id ? ` · ${t("trace")} ${stay.trace_id}` : "",
        " · ", h("a", { href: `/p/${stay.stay_id}` }, t("driver_page"))));
  }

  function stayRow(stay) {
    const when = stay.left_at === null
      ? clock(stay.entered_at, stay.zone) + " →"
      : `${clock(stay.entered_at, stay.zone)} → ${clock(stay.left_at, stay.zone)}`;
    const long = stay.entered_at && stay.left_at ? ` · ${lasting(stay.entered_at, stay.left_at)}` : "";
    const row = h("details", { class: "row", "data-key": stay.stay_id },
      h("summary", {}, plate(stay.plate, stay.colour),
        h("div", { class: "what" }, h("div", {}, name(stay.lot)),
          h("div", { class: "soft small num" },
            `${dayOf(stay.entered_at ?? stay.left_at, stay.zone)} ${when}${long}`)),
        h("div", { class: "money num" },
          h("b", {}, stay.fee_minor === null ? "–"
            : money(stay.fee_minor, stay.currency)), badge(stay.status))),
      stayMore(stay));
    row.open = open.has(stay.stay_id);
    row.addEventListener("toggle", () => {
      if (row.open) open.add(stay.stay_id); else open.delete(stay.stay_id);
    });
    return row;
  }

  function paymentRow(payment) {
    const tries = payment.attempts > 1 ? ` · ${payment.attempts} ${t("tries")}` : "";
    const why = payment.decline_class === null ? null
      : h("span", { title: payment.decline_code ?? "" }, ` · ${t(`declined.${payment.decline_class}`)}`);
    return h("div", { class: "row", "data-key": payment.payment_id },
      h("div", { class: "line" }, h("b", { class: "num" }, money(payment.amount_minor, payment.currency)),
        h("div", { class: "what" }, h("div", {}, payment.plates.join(" ")),
          h("div", { class: "soft small" }, `${t(`by.${payment.method}`)}${tries}`, why)),
        h("div", { class: "money" }, badge(payment.state),
          payment.next_try_at === null ? null : h("div", { class: "soft small num" },
            `${t("next_try")} ${clock(payment.next_try_at, last.zone)}`))));
  }

  function operatorRow(item) {
    const line = (label, minor) => h("tr", {}, h("th", {}, t(label)),
      h("td", { class: "num" }, money(minor)));
    return h("div", { class: "lot" },
      h("div", { class: "head" }, h("h3", { class: "small" }, name(item)),
        item.statement_date === null ? null : h("a", { class: "small",
          href: `/statements/${item.operator_id}/${item.statement_date}` }, t("statement"))),
      h("table", { class: "lines" }, h("tbody", {}, line("gross", item.gross_minor),
        line("outstanding", -item.outstanding_minor), line("commission", -item.commission_minor),
        line("gateway_fees", -item.fees_minor),
        h("tr", { class: "total" }, h("th", {}, t("net")),
          h("td", { class: "num" }, money(item.net_minor))))));
  }

  function fill(id, items, draw) {
    const box = $(id);
    const nodes = items.map(draw);
    for (const node of nodes) {
      const key = node.dataset.key;
      if (key && seen && !seen.has(key)) node.classList.add("new");
    }
    box.replaceChildren(...(nodes.length ? nodes : [h("p", { class: "empty" }, t(`empty.${id}`))]));
  }

  // A city's page shows those that need a look first, and says that there are more.
  function shownOf(id, shown, inAll) {
    $(`${id}-shown`).textContent = shown < inAll ? `${shown} ${t(`shown_${id}`)} ${inAll}` : "";
  }

  function draw() {
    root.lang = lang === "zh" ? "zh-CN" : "en";
    document.title = t("title");
    for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
    if (last === null) return;
    const focused = document.activeElement?.closest?.("[data-key]")?.dataset.key;
    for (const [key, value] of Object.entries(last.figures)) {
      const node = document.querySelector(`[data-figure="${key}"]`);
      if (node) node.textContent = key.endsWith("_minor") ? money(value) : value;
    }
    $("stays-day").textContent = last.day === null ? "" : ` · ${onDay(last.day, last.zone)}`;
    fill("lots", last.lots, lot);
    fill("clones", last.clones, cloneRow);
    $("clones-panel").hidden = last.clones.length === 0;
    fill("stays", last.stays, stayRow);
    fill("payments", last.payments, paymentRow);
    fill("operators", last.operators, operatorRow);
    shownOf("lots", last.lots.length, last.lots_in_all);
    shownOf("operators", last.operators.length, last.operators_in_all);
    seen = new Set([...last.stays.map((s) => s.stay_id), ...last.payments.map((p) => p.payment_id),
      ...last.clones.map((c) => c.suspicion_id)]);
    if (focused) document.querySelector(`[data-key="${focused}"] summary`)?.focus();
  }

  function pulse(on) {
    $("pulse").className = `pulse ${on ? "on" : "off"}`;
    $("pulse").textContent = on ? t("live") : t("away");
  }

  async function look() {
    const headers = etag === null ? {} : { "If-None-Match": etag };
    const reply = await fetch("/live.json", { headers, cache: "no-store" });
    if (reply.status === 401) { location.href = "/"; return; }
    if (reply.status !== 304) {
      if (!reply.ok) throw new Error(`status ${reply.status}`);
      etag = reply.headers.get("ETag");
      last = await reply.json();
      draw();
    }
    pulse(true);
  }

  async function loop() {
    let wait = 1000;
    try {
      if (!document.hidden) await look();
    } catch {
      pulse(false);
      wait = 3000;
    }
    setTimeout(loop, wait);
  }

  $("lang").addEventListener("click", () => {
    lang = lang === "zh" ? "en" : "zh";
    document.cookie = `lang=${lang}; path=/; max-age=31536000; samesite=strict`;
    draw();
    pulse(last !== null);
  });
  loop();
})();

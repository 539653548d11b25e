// Draws /openapi.json: every operation, its fields and answers, and a form that tries it against this very process.
// @ts-nocheck: it follows a description whose shape only the server fixes.

const METHODS = ["get", "post", "put", "patch", "delete", "head", "options"];
const DEPTH_MAX = 6; // schemas are not that deep; a loop of references would be
const SHOWN_MAX = 20000; // characters of an answer
const TWIN = "_authenticated";

const state = { api: null, token: sessionStorage.getItem("vts-docs-token") || "" };

function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== undefined && value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

// The little of Markdown that descriptions use: `code` and **strong**.
function rich(text) {
  return (text || "").split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (part.startsWith("`")) return h("code", {}, part.slice(1, -1));
    return part.startsWith("**") ? h("strong", {}, part.slice(2, -2)) : part;
  });
}

function resolved(node) {
  let found = node;
  while (found?.$ref) {
    const rest = Object.entries(found).filter(([key]) => key !== "$ref");
    const target = found.$ref
      .slice(2)
      .split("/")
      .reduce((at, key) => at[key], state.api);
    found = { ...target, ...Object.fromEntries(rest) };
  }
  return found;
}

// ---- schemas

function withoutNull(schema) {
  const branches = schema.anyOf;
  if (!branches) return [schema, false];
  const real = branches.filter((one) => one.type !== "null");
  if (real.length === branches.length || real.length !== 1) return [schema, real.length < branches.length];
  const { anyOf, ...rest } = schema;
  return [{ ...resolved(real[0]), ...rest }, true];
}

function kindOf(given) {
  const [schema, nullable] = withoutNull(resolved(given));
  const some = nullable ? " or null" : "";
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return `one of${some}`;
  if (schema.anyOf) {
    const branches = schema.anyOf.filter((one) => one.type !== "null" && Object.keys(one).length);
    return [...new Set(branches.map(kindOf))].join(" or ") + some;
  }
  if (schema.type === "array") return `array of ${kindOf(schema.items || {})}${some}`;
  if (schema.type === "object" && !schema.properties && schema.additionalProperties) {
    return `{value: ${kindOf(schema.additionalProperties)}}${some}`;
  }
  const types = [].concat(schema.type || []).join(" or ");
  return (schema.format || schema.contentMediaType || types || "any") + some;
}

function boundsOf(given) {
  const [schema] = withoutNull(resolved(given));
  const bounds = [];
  const { minimum, maximum, minLength, maxLength, minItems, maxItems } = schema;
  const short = (number) => (number === 2 ** 63 ? "2⁶³ − 1" : number);
  if (minimum !== undefined && maximum !== undefined) bounds.push(`${minimum} to ${short(maximum)}`);
  else if (minimum !== undefined) bounds.push(`≥ ${minimum}`);
  if (minLength) bounds.push(`at least ${minLength} characters`);
  if (maxLength) bounds.push(`at most ${maxLength} characters`);
  if (minItems) bounds.push(`at least ${minItems}`);
  if (maxItems) bounds.push(`at most ${maxItems}`);
  if (schema.default !== undefined) bounds.push(`default ${JSON.stringify(schema.default)}`);
  return bounds.join(", ");
}

function wordsOf(given) {
  const [schema] = withoutNull(resolved(given));
  const listed = schema.enum || (schema.anyOf || []).flatMap((one) => resolved(one).enum || []);
  const keys = schema.propertyNames?.enum || [];
  return [...listed, ...keys].filter((word) => word !== null);
}

function wordList(schema) {
  const words = wordsOf(schema);
  return words.length
    ? h(
        "div",
        { class: "words" },
        words.map((word) => [h("code", {}, String(word)), " "]),
      )
    : null;
}

function fieldRow(name, schema, required) {
  const [own] = withoutNull(resolved(schema));
  const inner = insideOf(own);
  return h(
    "li",
    {},
    h("code", { class: "field" }, name),
    required ? h("span", { class: "must" }, "required") : "",
    h("span", { class: "kind" }, kindOf(schema)),
    h("span", { class: "quiet" }, boundsOf(schema)),
    own.description ? h("div", { class: "says" }, rich(own.description)) : "",
    wordList(schema),
    inner,
  );
}

function insideOf(schema, depth = 0) {
  const [own] = withoutNull(resolved(schema));
  if (depth > DEPTH_MAX) return null;
  if (own.type === "array" && own.items) return insideOf(own.items, depth + 1);
  if (own.anyOf) {
    const found = own.anyOf.map((one) => resolved(one)).find((one) => one.properties);
    return found ? insideOf(found, depth + 1) : null;
  }
  if (!own.properties) return null;
  const needed = own.required || [];
  const all = Object.keys(own.properties);
  const once = all.filter((name) => !isTwin(name, own.properties));
  const names = [...once.filter((name) => needed.includes(name)), ...once.filter((name) => !needed.includes(name))];
  const twins = names.length < all.length;
  return h(
    "div",
    { class: "schema" },
    h(
      "ul",
      {},
      names.map((name) => fieldRow(name, own.properties[name], needed.includes(name))),
    ),
    twins
      ? h("p", { class: "quiet" }, "Fields of which there is also a ", h("code", {}, `…${TWIN}`), " are named once.")
      : "",
  );
}

function isTwin(name, properties) {
  return name.endsWith(TWIN) && name.slice(0, -TWIN.length) in properties;
}

// ---- one operation

function parameterTable(parameters) {
  if (!parameters.length) return null;
  return [
    h("h4", {}, "Parameters"),
    h(
      "ul",
      { class: "schema" },
      parameters.map((one) =>
        h(
          "li",
          {},
          h("code", { class: "field" }, one.name),
          h("span", { class: "kind" }, `${one.in}, ${kindOf(one.schema)}`),
          one.required ? h("span", { class: "must" }, "required") : "",
          h("span", { class: "quiet" }, boundsOf(one.schema)),
          h("div", { class: "says" }, rich(one.description)),
          wordList(one.schema),
        ),
      ),
    ),
  ];
}

function contentOf(content) {
  const groups = Object.entries(content || {});
  return groups.map(([kind, media]) => {
    const schema = resolved(media.schema || {});
    const inner = insideOf(schema);
    return h(
      "div",
      { class: "media" },
      h(
        "div",
        {},
        h("code", {}, kind),
        h("span", { class: "kind" }, kindOf(media.schema || {})),
        h("span", { class: "says" }, rich(schema.description)),
      ),
      media.example !== undefined ? h("pre", { tabindex: "0" }, pretty(media.example)) : "",
      inner,
    );
  });
}

function responseList(responses, always) {
  const own = Object.entries(responses).filter(([status]) => !always.includes(status));
  const rest = Object.keys(responses).filter((status) => always.includes(status));
  return [
    h("h4", {}, "Answers"),
    own.map(([status, given]) => {
      const response = resolved(given);
      const headers = Object.keys(response.headers || {});
      const summary = [
        h("span", { class: `status s${status[0]}` }, status),
        h("span", { class: "says" }, rich(response.description)),
        headers.length ? h("span", { class: "quiet" }, ` with ${headers.join(", ")}`) : "",
      ];
      const isError = JSON.stringify(response.content || {}).includes('#/components/schemas/Error"');
      if (isError || !response.content) return h("div", { class: "answer" }, summary);
      return h("details", { class: "answer" }, h("summary", {}, summary), contentOf(response.content));
    }),
    rest.length ? h("p", { class: "quiet" }, `As every request: ${rest.join(", ")}.`) : "",
  ];
}

function securityText(security) {
  const names = { token: "a token", session: "a session", player: "a player's key and credential", ticket: "a ticket" };
  const needed = security.flatMap((one) => Object.keys(one)).map((name) => names[name] || name);
  const optional = security.some((one) => !Object.keys(one).length);
  if (!needed.length) return "open to anyone";
  return (optional ? "open to anyone, or with " : "needs ") + needed.join(", or ");
}

function pretty(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

// ---- trying it

function tryForm(method, path, operation, parameters) {
  if (path === "/live" || path === "/live/events" || operation.tags[0] === "Pages") return null;
  const media = Object.entries(resolved(operation.requestBody)?.content || {});
  const fields = parameters.map((one) => {
    const words = (resolved(one.schema).enum || []).map(String);
    const input = words.length
      ? h(
          "select",
          { name: one.name },
          h("option", { value: "" }, ""),
          words.map((word) => h("option", {}, word)),
        )
      : h("input", { name: one.name, placeholder: one.required ? "required" : "", required: Boolean(one.required) });
    return [one, input];
  });
  const example = media.length ? pretty(media[0][1].example === undefined ? {} : media[0][1].example) : "";
  const body = media.length
    ? h("textarea", { rows: Math.min(12, example.split("\n").length + 1), spellcheck: "false" }, example)
    : null;
  const output = h("div", { class: "output", role: "status" });
  const form = h(
    "form",
    { class: "try" },
    h("h4", {}, "Try it"),
    fields.map(([one, input]) => h("label", {}, h("code", {}, one.name), input)),
    body,
    h("div", {}, h("button", {}, "Send")),
    output,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    output.replaceChildren(h("p", { class: "quiet" }, "Sending…"));
    try {
      output.replaceChildren(...(await send(method, path, fields, body, media, operation)));
    } catch (fault) {
      output.replaceChildren(h("p", {}, `No answer: ${fault.message}`));
    }
  });
  return form;
}

async function send(method, path, fields, body, media, operation) {
  const value = Object.fromEntries(fields.map(([one, input]) => [one.name, input.value]));
  const url = new URL(
    path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(value[name])),
    location.origin,
  );
  const headers = {};
  for (const [one, input] of fields) {
    if (input.value && one.in === "query") url.searchParams.set(one.name, input.value);
    else if (input.value) headers[one.name] = input.value;
  }
  const schemes = operation.security.flatMap((one) => Object.keys(one));
  if (state.token && schemes.includes("token")) headers.Authorization = `Bearer ${state.token}`;
  if (state.token && schemes.includes("player")) headers.Authorization = `Basic ${btoa(state.token)}`;
  if (body) headers["Content-Type"] = media[0][0];
  const started = performance.now();
  const answer = await fetch(url, { method: method.toUpperCase(), headers, body: body ? body.value : undefined });
  const kind = answer.headers.get("Content-Type") || "";
  const text = /json|text|svg/.test(kind) ? await answer.text() : `${(await answer.blob()).size} bytes of ${kind}`;
  const line = [
    h("span", { class: `status s${String(answer.status)[0]}` }, String(answer.status)),
    h("span", { class: "quiet" }, `${Math.round(performance.now() - started)} ms, ${kind}`),
  ];
  return [
    h("p", {}, line, " ", h("code", {}, url.pathname + url.search)),
    h("pre", { tabindex: "0" }, shown(text, kind)),
  ];
}

function shown(text, kind) {
  let whole = text;
  if (kind.startsWith("application/json")) {
    try {
      whole = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      /* it is shown as it came */
    }
  }
  return whole.length > SHOWN_MAX
    ? `${whole.slice(0, SHOWN_MAX)}\n… ${whole.length - SHOWN_MAX} more characters`
    : whole;
}

// ---- the page

function operationView(method, path, operation, always) {
  const parameters = (operation.parameters || []).map(resolved);
  const inside = h("div", { class: "inside" });
  const view = h(
    "details",
    {
      class: "operation",
      id: operation.operationId,
      "data-text": `${method} ${path} ${operation.summary}`.toLowerCase(),
    },
    h(
      "summary",
      {},
      h("span", { class: `method ${method}` }, method.toUpperCase()),
      h("code", {}, path),
      h("span", { class: "title" }, operation.summary),
    ),
    inside,
  );
  view.addEventListener("toggle", () => {
    if (!view.open || inside.childNodes.length) return;
    const request = resolved(operation.requestBody);
    inside.append(
      ...[
        h(
          "p",
          {},
          rich(operation.description),
          " ",
          h("span", { class: "quiet" }, `(${securityText(operation.security)})`),
        ),
        parameterTable(parameters),
        request ? [h("h4", {}, "Body"), contentOf(request.content)] : null,
        responseList(operation.responses, always),
        tryForm(method, path, operation, parameters),
      ]
        .flat(Infinity)
        .filter(Boolean),
    );
  });
  return view;
}

function draw(api) {
  state.api = api;
  const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    METHODS.filter((method) => methods[method]).map((method) => [method, path, methods[method]]),
  );
  const always = Object.keys(operations[0][2].responses).filter(
    (status) =>
      Number(status) >= 400 &&
      operations.every(([, , one]) => /responses\/\d+"/.test(JSON.stringify(one.responses[status] || ""))),
  );
  const sections = api.tags.map((tag) =>
    h(
      "section",
      { id: tag.name },
      h("h2", {}, tag.name, h("small", {}, rich(tag.description))),
      operations
        .filter(([, , one]) => one.tags[0] === tag.name)
        .map(([method, path, one]) => operationView(method, path, one, always)),
    ),
  );
  document.getElementById("about").replaceChildren(...rich(api.info.description));
  document.getElementById("version").textContent = `${api.info.version}, OpenAPI ${api.openapi}`;
  document.getElementById("operations").replaceChildren(...sections);
  document
    .getElementById("sections")
    .replaceChildren(...api.tags.map((tag) => h("a", { href: `#${tag.name}` }, tag.name)));
  openNamed();
}

function openNamed() {
  const found = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (found && found.tagName === "DETAILS") found.open = true;
  if (found) found.scrollIntoView();
}

function filter(event) {
  const wanted = event.target.value.trim().toLowerCase();
  for (const view of document.querySelectorAll(".operation")) view.hidden = !view.dataset.text.includes(wanted);
  for (const section of document.querySelectorAll("#operations section")) {
    section.hidden = !section.querySelector(".operation:not([hidden])");
  }
}

function keepToken(event) {
  state.token = event.target.value.trim();
  sessionStorage.setItem("vts-docs-token", state.token);
}

document.getElementById("filter").addEventListener("input", filter);
document.getElementById("token").value = state.token;
document.getElementById("token").addEventListener("input", keepToken);
addEventListener("hashchange", openNamed);
fetch("/openapi.json")
  .then((answer) => answer.json())
  .then(draw)
  .catch((fault) => {
    document
      .getElementById("operations")
      .replaceChildren(h("p", {}, `The description could not be read: ${fault.message}`));
  });

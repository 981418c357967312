// The check of `make check`, run by Pyodide in the reader's own browser; nothing is fetched from elsewhere, nothing is sent.
import { loadPyodide } from "./pyodide.mjs";

const at = (id) => document.getElementById(id);
const [drop, file, status, result, copy] = ["drop", "file", "status", "result", "copy"].map(at);

function tell(text, kind = "") {
  status.textContent = text;
  status.className = kind;
}

function add(parent, tag, text) {
  const made = parent.appendChild(document.createElement(tag));
  made.textContent = text;
  return made;
}

function show({ summary, found, marked, name }) {
  const problems = found.filter((row) => row.severity === "error"), notes = found.filter((row) => row.severity === "note");
  const rows = at("problems").tBodies[0];
  rows.replaceChildren();
  for (const row of problems) {
    const line = rows.insertRow();
    add(line, "td", [row.sheet || row.file, row.cell].filter(Boolean).join(" "));
    add(line, "td", row.message);
  }
  at("notes").replaceChildren();
  notes.forEach((note) => add(at("notes"), "li", note.message));
  at("problems").hidden = !problems.length;
  at("more").hidden = !notes.length;
  URL.revokeObjectURL(copy.href);
  copy.hidden = !marked;
  if (marked) [copy.href, copy.download] = [URL.createObjectURL(new Blob([marked])), name];
  result.hidden = false;
  tell(summary, problems.length ? "wrong" : "sound");
}

async function main() {
  const python = await loadPyodide({ indexURL: "./", env: { LC_ALL: "zh_CN.UTF-8", HOME: "/" } });
  python.unpackArchive(await (await fetch("check.zip")).arrayBuffer(), "zip", { extractDir: "/check" });
  python.runPython("import sys; sys.path.insert(0, '/check')");
  const check = python.pyimport("analysis.check");

  async function look(chosen) {
    tell(`正在检查 ${chosen.name} ……`);
    result.hidden = true;
    const answer = check.answer(chosen.name, new Uint8Array(await chosen.arrayBuffer()));
    const [summary, found, marked, name] = answer.toJs();
    answer.destroy();
    show({ summary, found: JSON.parse(found).found, marked, name });
  }

  const looked = (chosen) => chosen && look(chosen).catch((error) => tell(`检查没有完成：${error.message.trim().split("\n").pop()}`, "wrong"));
  file.addEventListener("change", () => { looked(file.files[0]); file.value = ""; });
  for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
    addEventListener(type, (event) => { event.preventDefault(); drop.classList.toggle("over", type === "dragenter" || type === "dragover"); });
  }
  addEventListener("drop", (event) => looked(event.dataTransfer.files[0]));
  file.disabled = false;
  tell("可以检查了。");
}

main().catch((error) => tell(`没有准备好，请用新一些的浏览器重新打开：${error.message}`, "wrong"));

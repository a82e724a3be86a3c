// Begins the dashboard where there is no server: everything is read from files beside this one.

import { createFileApi } from "./fileapi.js";
import { mount } from "./main.js";

const dark = new URLSearchParams(window.location.search).get("__theme");
const isDark = dark ? dark === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
document.body.classList.toggle("dark", isDark);
const data = new URL("../data/", import.meta.url).href;
mount(document.querySelector(".trackio-host"), "", () => createFileApi(data));

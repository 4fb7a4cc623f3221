import { defineConfig } from "@adonisjs/core/http";

export const appKey = "averylongrandomsecretkeyofthisapp";
export const http = defineConfig({ cookie: {} });

import router from "@adonisjs/core/services/router";

router.get("/pid", () => process.pid);

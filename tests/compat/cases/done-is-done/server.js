console.log("migrated");
process.exit(0);

process.on("message", (numbers) => process.send(numbers.reduce((a, b) => a + b)));

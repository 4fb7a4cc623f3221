module.exports = (req, res) => res.end(String(process.pid));

// A dashboard against Grafana's own types: fields that do not exist, those that are missing, values that are none. The types have enums
// where JSON has texts, which Plain makes up for.
const fs = require("fs");
const path = require("path");
const ts = require("typescript");

const types = "@grafana/schema/dist/types/raw";
const kinds = {
	stat: "stat/panelcfg/x/StatPanelCfg",
	timeseries: "timeseries/panelcfg/x/TimeSeriesPanelCfg",
	heatmap: "heatmap/panelcfg/x/HeatmapPanelCfg",
	"state-timeline": "statetimeline/panelcfg/x/StateTimelinePanelCfg",
};
const nameOf = (kind) => kind.replace("-", "");
const head = [
	`import type { Dashboard, Panel, RowPanel } from "${types}/dashboard/x/dashboard_types.gen";`,
	...Object.entries(kinds).map(([kind, file]) => `import type * as ${nameOf(kind)} from "${types}/composable/${file}_types.gen";`),
	"type Plain<T> = T extends string ? `${T}` : T extends number | boolean | null | undefined ? T : T extends (infer U)[] ? Plain<U>[] : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;",
];

const literal = (what, type, value) => `export const ${what}: Plain<${type}> = ${JSON.stringify(value, null, 1)};`;

function literalsOf({ options, ...panel }) {
	const { id, type, fieldConfig } = panel;
	if (type === "row") return [literal(`row${id}`, "RowPanel", panel)];
	const list = [literal(`panel${id}`, 'Omit<Panel, "options">', panel), literal(`options${id}`, `Partial<${nameOf(type)}.Options>`, options)];
	const { custom } = fieldConfig.defaults;
	return custom ? [...list, literal(`custom${id}`, `Partial<${nameOf(type)}.FieldConfig>`, custom)] : list;
}

// What a data source reads of an annotation and of a variable is not in the types.
const withoutExtras = ({ panels, annotations, templating, ...rest }) => ({
	...rest,
	annotations: { list: annotations.list.map(({ expr, step, titleFormat, textFormat, tagKeys, ...known }) => known) },
	templating: { list: templating.list.map(({ definition, ...known }) => known) },
});

// A list of what is wrong. The file that is compiled is written to @folder.
function wrong(board, folder) {
	const file = path.join(folder, "dashboard.ts");
	fs.mkdirSync(folder, { recursive: true });
	fs.writeFileSync(file, [...head, literal("board", 'Omit<Dashboard, "panels">', withoutExtras(board)), ...board.panels.flatMap(literalsOf)].join("\n"));
	const options = { noEmit: true, strict: true, skipLibCheck: true, types: [], lib: ["lib.es2022.d.ts"], module: ts.ModuleKind.CommonJS, moduleResolution: ts.ModuleResolutionKind.Node10 };
	return ts.getPreEmitDiagnostics(ts.createProgram([file], options)).map((d) => {
		const line = d.file && d.file.text.split("\n")[d.file.getLineAndCharacterOfPosition(d.start).line].trim();
		return `${line}: ${ts.flattenDiagnosticMessageText(d.messageText, " ").slice(0, 300)}`;
	});
}

module.exports = { wrong };

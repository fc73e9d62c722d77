/** OpenClaw's part, as far as these tests need it: a plugin is what it was defined by, a tool too. */
export function defineToolPlugin<Definition extends { tools: (tool: <T>(definition: T) => T) => unknown }>(
  definition: Definition,
) {
  return { ...definition, tools: definition.tools((tool) => tool) };
}

/** The part of OpenClaw's plugin SDK a skill needs, so that it can be checked without installing all of OpenClaw. */
declare module "openclaw/plugin-sdk/tool-plugin" {
  import type { Static, TSchema } from "typebox";

  export interface ToolContext {
    api: { logger: { warn(message: string): void } };
    signal?: AbortSignal;
    toolCallId: string;
  }

  export interface ToolDefinition<Config, Parameters extends TSchema> {
    name: string;
    label?: string;
    description: string;
    parameters: Parameters;
    outputSchema?: TSchema;
    execute: (parameters: Static<Parameters>, config: Config, context: ToolContext) => unknown;
  }

  /** A tool as `tool(…)` made it. */
  export interface DefinedTool {
    name: string;
  }

  export interface PluginDefinition<ConfigSchema extends TSchema> {
    id: string;
    name: string;
    description: string;
    configSchema: ConfigSchema;
    tools: (
      tool: <Parameters extends TSchema>(definition: ToolDefinition<Static<ConfigSchema>, Parameters>) => DefinedTool,
    ) => readonly DefinedTool[];
  }

  export function defineToolPlugin<ConfigSchema extends TSchema>(definition: PluginDefinition<ConfigSchema>): unknown;
}

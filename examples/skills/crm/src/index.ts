import { defineToolPlugin } from "openclaw/plugin-sdk/tool-plugin";
import { Type } from "typebox";
import { CrmError, findCustomer } from "./crm.ts";

export default defineToolPlugin({
  id: "crm",
  name: "CRM",
  description: "Looks customers up in the company's CRM.",
  configSchema: Type.Object(
    {
      baseUrl: Type.String({ description: "The CRM's address, such as https://crm.example.com/api" }),
      tokenFile: Type.String({ description: "The file the CRM's bearer token is read from at every call" }),
    },
    { additionalProperties: false },
  ),
  tools: (tool) => [
    tool({
      name: "crm_query",
      label: "Look up a customer",
      description: "Look up a customer in the company's CRM by the customer's number.",
      parameters: Type.Object(
        {
          customer: Type.String({
            minLength: 1,
            maxLength: 64,
            description: "The customer's number, such as ACME-1",
          }),
        },
        { additionalProperties: false },
      ),
      async execute({ customer }, config, { api, signal }) {
        try {
          return { customer: await findCustomer(customer, config, signal) };
        } catch (error) {
          signal?.throwIfAborted();
          const known = error instanceof CrmError ? error : new CrmError("The CRM cannot be used.", String(error));
          // The operator learns more than the model, and neither a secret.
          api.logger.warn(`crm_query: ${known.reason}`);
          return { ok: false, error: known.message };
        }
      },
    }),
  ],
});

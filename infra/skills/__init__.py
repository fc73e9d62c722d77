"""From a folder of TypeScript and instructions to a signed bundle of private skills."""

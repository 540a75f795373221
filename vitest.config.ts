import { defineConfig, type ViteUserConfig } from 'vitest/config';

const at = (path: string): string => new URL(path, import.meta.url).pathname;

const config: ViteUserConfig = defineConfig({
  resolve: {
    alias: [
      { find: /^finwait$/, replacement: at('./src/index.ts') },
      { find: /^finwait\/prometheus$/, replacement: at('./src/exporters/prometheus.ts') },
      { find: /^finwait\/opentelemetry$/, replacement: at('./src/exporters/opentelemetry.ts') },
      { find: /^finwait\/express$/, replacement: at('./src/integrations/express.ts') },
      { find: /^finwait\/undici$/, replacement: at('./src/integrations/undici.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    // Real sockets and child processes: on two cores more workers only wait for each other.
    maxWorkers: 2,
    testTimeout: 20_000,
  },
});

export default config;

import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    alias: [
      { find: /^finwait$/, replacement: new URL('./src/index.ts', import.meta.url).pathname },
      { find: /^finwait\/prometheus$/, replacement: new URL('./src/exporters/prometheus.ts', import.meta.url).pathname },
      { find: /^finwait\/opentelemetry$/, replacement: new URL('./src/exporters/opentelemetry.ts', import.meta.url).pathname },
      { find: /^finwait\/express$/, replacement: new URL('./src/integrations/express.ts', import.meta.url).pathname },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // Real sockets and child processes: on two cores more workers only wait for each other.
    maxWorkers: 2,
    testTimeout: 20_000,
  },
});

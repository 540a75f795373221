// The other process of a scenario: keeps the socket it is sent until it is let go.
process.on('message', (_word, socket) => {
  socket?.on('error', () => undefined);
  process.send('kept');
});
process.on('disconnect', () => process.exit());

/** Loaded before a server whose memory is measured: on SIGUSR2 all garbage is collected. */
process.on('SIGUSR2', () => globalThis.gc?.())

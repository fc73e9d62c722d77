// A script with two versions that answer: which of them gets a request is chance, by their percentages.
export default {
  async fetch(request, env) {
    let left = Math.random() * 100;
    const chosen = env.SHARES.find(([, percentage]) => (left -= percentage) < 0) ?? env.SHARES[0];
    return await env[chosen[0]].fetch(request);
  },
};

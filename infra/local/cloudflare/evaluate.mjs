// Evaluates parsed rule expressions (see rules/grammar.py) on a request's fields. A part that is not there makes the
// comparison around it false, as at Cloudflare.

/** Whether a tree holds for `fields`: field name -> string, number, boolean, array, or object of arrays. */
export function holds(tree, fields) {
  return value(tree, fields) === true;
}

function value(tree, fields) {
  if ("literal" in tree) return tree.literal;
  if ("field" in tree) return fields[tree.field];
  if ("part" in tree) return part(value(tree.of, fields), tree.part);
  if ("each" in tree) return new Each(value(tree.each, fields) ?? []);
  if ("call" in tree) return call(tree.call, tree.args.map((each) => value(each, fields)));
  if ("op" in tree) return mapped(value(tree.left, fields), (left) => compare(tree.op, left, tree.right));
  if ("not" in tree) return mapped(value(tree.not, fields), (truth) => truth !== true);
  const [[joint, parts]] = Object.entries(tree);
  return JOINTS[joint](parts.map((each) => () => value(each, fields)));
}

/** An array unpacked by `[*]`: what is done to it is done to each of its values. */
class Each extends Array {
  constructor(values) {
    super();
    for (const one of values) this.push(one);
  }
  static get [Symbol.species]() {
    return Array;
  }
}

const JOINTS = {
  and: (parts) => joined(parts, (truths) => truths.every((truth) => truth === true)),
  or: (parts) => joined(parts, (truths) => truths.some((truth) => truth === true)),
  xor: (parts) => joined(parts, (truths) => truths.filter((truth) => truth === true).length % 2 === 1),
};

/** Joins truths, or truths on each of the same values one by one. */
function joined(parts, join) {
  const all = parts.map((part) => part());
  if (!(all[0] instanceof Each)) return join(all);
  return new Each(Array.from(all[0], (_, at) => join(all.map((each) => each[at]))));
}

function mapped(one, change) {
  return one instanceof Each ? new Each(Array.from(one, change)) : change(one);
}

function part(whole, key) {
  return whole !== undefined && Object.hasOwn(whole, key) ? whole[key] : undefined;
}

const FUNCTIONS = {
  ends_with: (text, end) => text.endsWith(end),
  len: (text) => (Array.isArray(text) ? text.length : new TextEncoder().encode(text).length),
  lower: (text) => text.toLowerCase(),
  starts_with: (text, start) => text.startsWith(start),
  upper: (text) => text.toUpperCase(),
  url_decode: decode,
};

function call(name, [first, ...more]) {
  if (name === "any") return first.some((truth) => truth === true);
  if (name === "all") return first.every((truth) => truth === true);
  const done = (one) => (one === undefined ? undefined : FUNCTIONS[name](one, ...more));
  // the result is an array again, not unpacked: the expression says [*] once more
  return first instanceof Each ? Array.from(first, done) : done(first);
}

function decode(text) {
  return text.replaceAll("+", " ").replace(/(%[0-9a-f]{2})+/gi, (run) => {
    const bytes = run.match(/[0-9a-f]{2}/gi).map((pair) => Number.parseInt(pair, 16));
    return new TextDecoder().decode(new Uint8Array(bytes));
  });
}

const OPERATORS = {
  eq: (left, right) => left === right,
  ne: (left, right) => left !== right,
  lt: (left, right) => left < right,
  le: (left, right) => left <= right,
  gt: (left, right) => left > right,
  ge: (left, right) => left >= right,
  contains: (left, right) => left.includes(right),
  matches: (left, right) => regex(right).test(left),
  wildcard: (left, right) => wildcard(right, "i").test(left),
  "strict wildcard": (left, right) => wildcard(right, "").test(left),
  in: (left, right) => right.some((member) => isMember(left, member)),
};

function compare(operator, left, right) {
  return left !== undefined && OPERATORS[operator](left, right);
}

function isMember(one, member) {
  if (Array.isArray(member)) return member[0] <= one && one <= member[1];
  return one === member || (typeof member === "string" && member.includes("/") && isInNetwork(one, member));
}

function regex(pattern) {
  const [, flags = "", rest] = /^(?:\(\?([is]+)\))?(.*)$/s.exec(pattern);
  return new RegExp(rest, `u${flags}`);
}

function wildcard(pattern, flags) {
  const source = pattern.replace(/\\([*\\])|\*|[.+?^${}()|[\]\\/-]/g, (found, escaped) => {
    if (escaped) return `\\${escaped}`;
    return found === "*" ? ".*" : `\\${found}`;
  });
  return new RegExp(`^${source}$`, `s${flags}`);
}

function isInNetwork(address, network) {
  const [base, length] = network.split("/");
  const [ours, theirs] = [bits(address), bits(base)];
  return ours !== undefined && ours.length === theirs?.length && ours.startsWith(theirs.slice(0, Number(length)));
}

/** An address in binary, undefined where a text is none. */
function bits(address) {
  const inBase = (texts, base, width) =>
    texts.map((text) => Number.parseInt(text || "0", base).toString(2).padStart(width, "0")).join("");
  if (/^\d+(\.\d+){3}$/.test(address)) return inBase(address.split("."), 10, 8);
  if (!/^[0-9a-f:]+$/i.test(address) || !address.includes(":")) return undefined;
  const [head, tail] = address.split("::").map((half) => (half ? half.split(":") : []));
  const groups = tail ? [...head, ...Array(8 - head.length - tail.length).fill("0"), ...tail] : head;
  return inBase(groups, 16, 16);
}

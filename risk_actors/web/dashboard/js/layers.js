// Where the actors stand: ranks from sources to sinks, and an order within each rank that keeps
// lines short. Pure.

/** Merge actors of one kind into one group, and edges between groups into one with its messages. */
export function groupsOf(topology, withControl) {
  const groups = new Map();
  const groupOf = new Map();
  for (const actor of topology.actors) {
    const group = groups.get(actor.kind) ?? { kind: actor.kind, about: actor.about, members: [] };
    group.members.push(actor);
    groups.set(actor.kind, group);
    groupOf.set(actor.id, actor.kind);
  }
  const edges = new Map();
  for (const edge of topology.edges) {
    if (edge.plane !== "data" && !withControl) continue;
    const from = groupOf.get(edge.from);
    const to = groupOf.get(edge.to);
    if (!from || !to || from === to) continue;
    const key = `${from}>${to}>${edge.plane}`;
    const merged = edges.get(key) ?? { key, from, to, plane: edge.plane, messages: new Set() };
    merged.messages.add(edge.message);
    edges.set(key, merged);
  }
  return { groups, edges: [...edges.values()].map((edge) => ({ ...edge, messages: [...edge.messages].sort() })) };
}

/** The rank of each kind: one more than the highest of those that tell it something. */
export function ranksOf(kinds, edges) {
  const ranks = new Map(kinds.map((kind) => [kind, 0]));
  const data = edges.filter((edge) => edge.plane === "data");
  for (let round = 0; round < kinds.length; round += 1) {
    let moved = false;
    for (const { from, to } of data) {
      const rank = ranks.get(from) + 1;
      if (ranks.get(to) < rank && rank <= kinds.length) {
        ranks.set(to, rank);
        moved = true;
      }
    }
    if (!moved) break;
  }
  return ranks;
}

const ROUNDS = 6;

/** Kinds by rank; sources stand right before what they tell, and neighbours near each other. */
export function layersOf(groups, edges) {
  const kinds = [...groups.keys()];
  const ranks = ranksOf(kinds, edges);
  const data = edges.filter((edge) => edge.plane === "data");
  const layers = [];
  for (const kind of kinds) (layers[ranks.get(kind)] ??= []).push(kind);
  const full = layers.filter(Boolean);
  const place = new Map();
  const note = () => full.forEach((layer) => layer.forEach((kind, n) => place.set(kind, n - (layer.length - 1) / 2)));
  note();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const layer of full) {
      const wish = new Map(layer.map((kind) => [kind, wished(kind, data, place)]));
      layer.sort((a, b) => wish.get(a) - wish.get(b));
    }
    note();
  }
  return full;
}

function wished(kind, edges, place) {
  const near = [];
  for (const { from, to } of edges) {
    if (from === kind) near.push(place.get(to));
    if (to === kind) near.push(place.get(from));
  }
  return near.length ? near.reduce((sum, at) => sum + at, 0) / near.length : place.get(kind);
}

/** Boxes by kind: {x, y, width, height}; ranks go right, or down where `isTall`. */
export function boxesOf(layers, { isTall, width, height, gapX, gapY }) {
  const boxes = new Map();
  const most = Math.max(...layers.map((layer) => layer.length));
  layers.forEach((layer, rank) => {
    layer.forEach((kind, n) => {
      const offset = n + (most - layer.length) / 2;
      const x = isTall ? offset * (width + gapX) : rank * (width + gapX);
      const y = isTall ? rank * (height + gapY) : offset * (height + gapY);
      boxes.set(kind, { x, y, width, height });
    });
  });
  const across = isTall ? most : layers.length;
  const down = isTall ? layers.length : most;
  return { boxes, width: across * (width + gapX) - gapX, height: down * (height + gapY) - gapY };
}

// Of numbers and lists.

export function clamp(value, lowest, highest) {
  return Math.min(Math.max(value, lowest), highest);
}

export function nearest(places, at) {
  const distances = places.map((place) => Math.abs(place - at));
  return distances.indexOf(Math.min(...distances));
}

export function following(list, item) {
  return list[(list.indexOf(item) + 1) % list.length];
}

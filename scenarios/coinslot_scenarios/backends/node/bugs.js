// Mistakes that COINSLOT_BUG=<id> switches on, to show what a failing check looks like. Do not copy this file.

export const bugs = {
  // Takes the token's payload for the user, as a published sample does. The user is JSON text in `sub`, so the
  // payload has no userId: every player becomes the one account "undefined". No error is seen anywhere.
  'payload-taken-for-user': (payload) => ({ userId: String(payload.userId) }),
};

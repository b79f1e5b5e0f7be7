// The two ways in which something can go wrong, and nothing in between.
//
// Refused is final: the input is wrong, and the same input will be wrong tomorrow. Undecided means that we could
// not find out: ask again. An outage that is answered like a forgery locks players out and loses purchases.

export class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export class Undecided extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

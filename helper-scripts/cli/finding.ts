/** Something that a person should look at, and what to do about it. */
export type Finding = { readonly what: string; readonly wrong: string; readonly remedy: string };

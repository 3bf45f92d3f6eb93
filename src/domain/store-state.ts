/** How the store was last time. `lost`: it is there, and the data that this process knew is not. */
export type StoreState = 'up' | 'away' | 'lost'

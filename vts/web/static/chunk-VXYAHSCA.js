var e=t=>t.title||(/^\d+$/.test(`${t.post_id}`)?`post ${t.post_id}`:`${t.post_id}`),_=(t,s)=>Math.min(t,15e3)*(.5+s);export{e as a,_ as b};
